"""What this package counts. Labels have few values: a queue, a route's template, an outcome."""

from matchfleet_telemetry import metrics

REQUEST_TIME = metrics.histogram(
    "matchfleet_http_request_seconds",
    "Time from a request's first byte to its answer's last, by the route's template.",
    ("method", "route", "status"),
)
CHANNELS = metrics.gauge("matchfleet_channels", "Open WebSocket channels on this process.")
CHANNELS_CLOSED = metrics.counter(
    "matchfleet_channels_closed_total", "Channels closed, by the code that was sent.", ("code",)
)
LOGINS = metrics.counter(
    "matchfleet_logins_total", "Logins, by kind and outcome.", ("kind", "outcome")
)
THROTTLED = metrics.counter(
    "matchfleet_throttled_total", "Requests refused by a rate limit, by limit.", ("limit",)
)
THROTTLE_LOCAL = metrics.counter(
    "matchfleet_throttle_local_total", "Rate limits that were decided without Redis."
)

PASS_TIME = metrics.histogram(
    "matchfleet_matchmaker_pass_seconds", "One pass over a queue: read, pair and claim.", ("queue",)
)
WAITING = metrics.gauge(
    "matchfleet_tickets_waiting", "Tickets the writer of a queue has.", ("queue",)
)
PLAYERS = metrics.gauge(
    "matchfleet_queue_players",
    "Players that wait in a queue, each in the region nearest to them, as told to the operator.",
    ("queue", "region"),
)
WAITED = metrics.histogram(
    "matchfleet_ticket_wait_seconds",
    "From queued to claimed.",
    ("queue",),
    buckets=metrics.LONG_SECONDS,
)
PROPOSED = metrics.counter(
    "matchfleet_matches_proposed_total",
    "Matches agreed, by queue, region and ranked.",
    ("queue", "region", "ranked"),
)
PROPOSALS_DROPPED = metrics.counter(
    "matchfleet_proposals_dropped_total",
    "Proposals that could not be claimed.",
    ("queue", "reason"),
)
WRITING = metrics.gauge(
    "matchfleet_queue_writer", "1 while this process writes the queue.", ("queue",)
)
EXPIRED = metrics.counter("matchfleet_tickets_expired_total", "Tickets whose time was over.")
RELAYED = metrics.counter(
    "matchfleet_matches_relayed_total", "Match resources asked for, by outcome.", ("outcome",)
)
POSTED = metrics.counter(
    "matchfleet_outbox_published_total", "Events of the outbox, by outcome.", ("outcome",)
)
UNPUBLISHED = metrics.gauge(
    "matchfleet_outbox_unpublished", "Events of the outbox that the broker has not confirmed yet."
)
SWEPT = metrics.counter("matchfleet_swept_total", "What sweeps set right, by kind.", ("kind",))
TASK_FAILED = metrics.counter(
    "matchfleet_task_failures_total", "Rounds of a background task that failed.", ("task",)
)
