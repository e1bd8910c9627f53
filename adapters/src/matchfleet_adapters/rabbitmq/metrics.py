"""What is counted about the broker."""

from typing import Final

from matchfleet_telemetry import metrics

PUBLISHED: Final = metrics.counter(
    "matchfleet_events_published_total",
    "Events by outcome of their publication: confirmed or failed.",
    ("type", "outcome"),
)
PUBLISH_TIME: Final = metrics.histogram(
    "matchfleet_event_publish_seconds", "From publish to the broker's confirm."
)
CONSUMED: Final = metrics.counter(
    "matchfleet_messages_consumed_total",
    "Messages of a queue by outcome: handled, or dead.",
    ("queue", "outcome"),
)
RETRIES: Final = metrics.counter(
    "matchfleet_message_retries_total", "Times a message was tried again.", ("queue",)
)
HANDLER_ERRORS: Final = metrics.counter(
    "matchfleet_message_handler_errors_total",
    "Times a handler failed in a way that it does not know; such a message dies after a few.",
    ("queue",),
)
LAG: Final = metrics.histogram(
    "matchfleet_message_lag_seconds",
    "From the time of an event to the end of its handling.",
    ("queue",),
    buckets=metrics.LONG_SECONDS,
)
HANDLING: Final = metrics.histogram(
    "matchfleet_message_handling_seconds", "One try of a message's handler.", ("queue",)
)
DEPTH: Final = metrics.gauge(
    "matchfleet_queue_messages", "Messages that wait in a queue, seen by a consumer.", ("queue",)
)
CONNECTED: Final = metrics.gauge(
    "matchfleet_broker_connected", "Whether this user of the broker works now.", ("user",)
)
SESSIONS_LOST: Final = metrics.counter(
    "matchfleet_broker_sessions_lost_total", "Connections to the broker that ended.", ("user",)
)
