"""What a game server counts."""

from matchfleet_telemetry import metrics

TICK_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.0167, 0.033, 0.1, 0.5, 2.0)

LATENESS = metrics.histogram(
    "matchfleet_tick_lateness_seconds",
    "How late a tick began.",
    buckets=TICK_SECONDS,
)
DURATION = metrics.histogram(
    "matchfleet_tick_duration_seconds",
    "How long a tick took, by phase: step is the game and its bots, send the snapshots.",
    ("phase",),
    buckets=TICK_SECONDS,
)
STEP = DURATION.labels(phase="step")
SEND = DURATION.labels(phase="send")
TICKS = metrics.counter("matchfleet_ticks_total", "Ticks played.")
LATE_TICKS = metrics.counter(
    "matchfleet_late_ticks_total", "Ticks that began more than one tick late."
)
SLIPPED_TICKS = metrics.counter(
    "matchfleet_slipped_ticks_total", "Ticks by which the game was slowed down after a pause."
)
PLAYERS = metrics.gauge("matchfleet_players", "Players that are connected and hold a seat.")
SNAPSHOTS = metrics.counter(
    "matchfleet_snapshots_total",
    "Snapshots: sent, or skipped because the client had not read those before.",
    ("outcome",),
)
SNAPSHOTS_SENT = SNAPSHOTS.labels(outcome="sent")
SNAPSHOTS_SKIPPED = SNAPSHOTS.labels(outcome="skipped")
INPUTS = metrics.counter("matchfleet_inputs_total", "Inputs received.")
INPUTS_DROPPED = metrics.counter(
    "matchfleet_inputs_dropped_total",
    "Inputs that were not played: overflow of the seat's queue, or rejected by the game.",
    ("reason",),
)
INPUTS_OVERFLOWN = INPUTS_DROPPED.labels(reason="overflow")
INPUTS_REJECTED = INPUTS_DROPPED.labels(reason="rejected")
JOINS = metrics.counter("matchfleet_joins_total", "Players at the door, by outcome.", ("outcome",))
CLOSES = metrics.counter(
    "matchfleet_closes_total", "Connections that the server closed, by close code.", ("code",)
)
UNEXPECTED = metrics.counter(
    "matchfleet_unexpected_errors_total",
    "Errors that should not be, logged with their cause: in the game's start, or in a connection.",
    ("where",),
)
UNEXPECTED_START = UNEXPECTED.labels(where="game_start")
UNEXPECTED_CONNECTION = UNEXPECTED.labels(where="connection")
BOT_DECISIONS = metrics.counter(
    "matchfleet_bot_decisions_total",
    "Decisions asked of the bot service: answered, late, failed; missed: rules decided.",
    ("outcome",),
)
BOTS_MISSED = BOT_DECISIONS.labels(outcome="missed")
BOT_SECONDS = metrics.histogram(
    "matchfleet_bot_answer_seconds", "How long the bot service took to answer."
)
ASSIGNMENTS = metrics.counter(
    "matchfleet_assignments_total", "Assignments received, by outcome.", ("outcome",)
)
ENDINGS = metrics.counter(
    "matchfleet_endings_total", "How the match ended: completed, or the reason.", ("reason",)
)
