"""What the bot service counts."""

from matchfleet_telemetry import metrics

QUESTIONS = metrics.counter(
    "matchfleet_bots_questions_total", "Batches asked, by outcome.", ("outcome",)
)
ACTIONS = metrics.counter("matchfleet_bots_actions_total", "Actions chosen.", ("game",))
SECONDS = metrics.histogram(
    "matchfleet_bots_answer_seconds",
    "How long it took to choose the actions of a batch.",
    buckets=(0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05),
)
