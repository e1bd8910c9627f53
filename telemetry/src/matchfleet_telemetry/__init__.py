"""How every process speaks to the people who run it: logs, metrics, and the two health questions.

`logs` decides what a line looks like, `metrics` what a metric is called, `health` gathers what is
wrong right now, and `serving` answers /metrics, /livez and /readyz. This package imports nothing of
ours and starts nothing by itself, so that a game server pod may carry it at no cost.
"""
