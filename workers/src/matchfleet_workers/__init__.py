"""The background processes: what happens after the fact, from events.

    ranking     the one writer of a match's end and of ratings, exactly once from at-least-once
    analytics   how much was played where, by the hour
    jobs        what has time: summaries, snapshots of ladders, repairs

Each is a process of its own, `python -m matchfleet_workers ranking|analytics|jobs`, of which any
number may run. `python -m matchfleet_workers dead QUEUE` shows what could not be handled.
"""
