"""What is counted about the workers; the messages themselves are counted by the consumer."""

from typing import Final

from matchfleet_telemetry import metrics

ENDED: Final = metrics.counter(
    "matchfleet_matches_ended_total",
    "Matches whose end was recorded, by how they ended and why.",
    ("game", "mode", "ended_as", "reason"),
)
IGNORED: Final = metrics.counter(
    "matchfleet_match_ends_ignored_total", "Ends that changed nothing, by why.", ("why",)
)
RATED: Final = metrics.counter(
    "matchfleet_ratings_changed_total", "Ratings that a match moved.", ("game", "mode")
)
RATING_DELTA: Final = metrics.counter(
    "matchfleet_rating_points_moved_total", "Points that changed hands.", ("game", "mode")
)
TICKETS: Final = metrics.counter(
    "matchfleet_tickets_settled_total",
    "Tickets that the end of a match settled: matched, or requeued.",
    ("outcome",),
)
LADDER_VIEWS: Final = metrics.counter(
    "matchfleet_ladder_views_total",
    "Writes of a ladder's view: changed, replaced, put off, or failed because Redis was away.",
    ("outcome",),
)
COUNTED: Final = metrics.counter(
    "matchfleet_analytics_events_total",
    "Events seen by analytics: counted, repeated, or of no interest.",
    ("outcome",),
)
JOBS: Final = metrics.counter(
    "matchfleet_jobs_total", "Runs of background jobs by outcome.", ("job", "outcome")
)
JOB_TIME: Final = metrics.histogram(
    "matchfleet_job_seconds", "One run of a background job.", ("job",)
)
BACKLOG: Final = metrics.gauge(
    "matchfleet_jobs_backlog", "Jobs in the table; failed ones are held.", ("job", "status")
)
