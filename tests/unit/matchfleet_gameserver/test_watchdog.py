"""The watchdog barks at a silent heart, and only then."""

import threading

from matchfleet_gameserver import watchdog


def test_a_silent_heart_is_reported_once() -> None:
    heartbeat = watchdog.Heartbeat()
    barked = threading.Event()
    silences: list[float] = []

    def bark(silent_s: float) -> None:
        silences.append(silent_s)
        barked.set()

    dog = watchdog.Watchdog(heartbeat, stall_s=0.05, on_stall=bark)
    heartbeat.beat()
    dog.start()
    assert barked.wait(5)
    dog.stop()
    assert len(silences) == 1
    assert silences[0] > 0.05


def test_a_heart_that_rests_is_not_silent() -> None:
    heartbeat = watchdog.Heartbeat()
    assert heartbeat.silent_s() == 0.0
    heartbeat.beat()
    heartbeat.rest()
    assert heartbeat.silent_s() == 0.0
    dog = watchdog.Watchdog(heartbeat, stall_s=0.001, on_stall=_fail)
    dog.start()
    dog.stop()


def _fail(silent_s: float) -> None:
    raise AssertionError(f"barked after {silent_s} s")
