"""What the operator counts. Names follow `matchfleet_telemetry.metrics`."""

from typing import Final

from matchfleet_telemetry import metrics

QUEUE_DEPTH: Final = metrics.gauge(
    "matchfleet_operator_queue_depth", "Keys that wait to be planned."
)
QUEUE_SECONDS: Final = metrics.histogram(
    "matchfleet_operator_queue_seconds", "How long a key waited to be planned."
)
RECONCILES: Final = metrics.counter(
    "matchfleet_operator_reconciles_total", "Keys planned, by how it went.", ("kind", "result")
)
RECONCILE_SECONDS: Final = metrics.histogram(
    "matchfleet_operator_reconcile_seconds", "Planning a key and acting on it.", ("kind",)
)
API_REQUESTS: Final = metrics.counter(
    "matchfleet_operator_api_requests_total",
    "Requests to the API server.",
    ("verb", "resource", "code"),
)
API_SECONDS: Final = metrics.histogram(
    "matchfleet_operator_api_request_seconds", "Requests to the API server.", ("verb", "resource")
)
EVENTS_SEEN: Final = metrics.counter(
    "matchfleet_operator_events_total", "Watch events received.", ("resource", "type")
)
EVENT_LAG: Final = metrics.histogram(
    "matchfleet_operator_event_lag_seconds",
    "From a watch event received to its being known.",
)
NODE_WATCH_ENDS: Final = metrics.counter(
    "matchfleet_operator_node_watch_ends_total", "Times that the watch over nodes ended."
)
CACHE_OBJECTS: Final = metrics.gauge(
    "matchfleet_operator_cache_objects", "Objects known.", ("resource",)
)
UNREADABLE: Final = metrics.counter(
    "matchfleet_operator_unreadable_objects_total",
    "Objects that break their schema.",
    ("resource",),
)
AUDIT_DRIFT: Final = metrics.counter(
    "matchfleet_operator_audit_drift_total",
    "Objects that a complete list had otherwise than we thought.",
    ("resource", "what"),
)
AUDIT_AGE: Final = metrics.gauge(
    "matchfleet_operator_audit_age_seconds", "Since the last audit that went well; 0 before it."
)
CLAIM_SECONDS: Final = metrics.histogram(
    "matchfleet_operator_claim_seconds",
    "From a Match first seen to a step of its claim: chosen, claimed, acknowledged, ready.",
    ("step",),
)
READY_SECONDS: Final = metrics.histogram(
    "matchfleet_operator_match_ready_seconds",
    "From a Match first seen to Ready.",
    ("path",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
MATCHES: Final = metrics.gauge(
    "matchfleet_operator_matches", "Matches known, by phase.", ("phase",)
)
SERVERS: Final = metrics.gauge(
    "matchfleet_operator_servers", "Servers as the Fleet counts them.", ("fleet", "state")
)
DESIRED_WARM: Final = metrics.gauge(
    "matchfleet_operator_fleet_desired_warm",
    "Idle servers that a Fleet keeps: the autoscaler's number, else spec.warm.",
    ("fleet",),
)
QUEUE_PLAYERS: Final = metrics.gauge(
    "matchfleet_operator_queue_players",
    "Players that wait in a queue, as the matchmaker said last.",
    ("queue", "region"),
)
ASSIGNMENTS: Final = metrics.counter(
    "matchfleet_operator_assignments_total",
    "Assignments sent, by the server's answer.",
    ("answer",),
)
PUBLISHES: Final = metrics.counter(
    "matchfleet_operator_publishes_total", "Events published.", ("type", "result")
)
EVENTS_DROPPED: Final = metrics.counter(
    "matchfleet_operator_events_dropped_total", "Kubernetes Events that were not written."
)
LEADER: Final = metrics.gauge(
    "matchfleet_operator_leader", "1 while this replica acts, 0 while it stands by."
)
LEASE_CHANGES: Final = metrics.counter(
    "matchfleet_operator_lease_transitions_total",
    "Times that this replica gained the Lease, lost it, or gave it back.",
    ("what",),
)
LOOP_LAG: Final = metrics.histogram(
    "matchfleet_operator_loop_lag_seconds", "How late the event loop was with a timer."
)
KOPF_RESTARTS: Final = metrics.counter(
    "matchfleet_operator_watch_restarts_total", "Times that kopf ended and was started again."
)
