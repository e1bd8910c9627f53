import asyncio

import pytest

from matchfleet_local.demo import console


class Clock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now_s += seconds
        if clock.now_s > 150.0:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock


def test_a_line_begins_with_the_seconds_since_the_start() -> None:
    lines: list[str] = []
    seconds = iter([100.0, 103.25])
    told = console.Console(lines.append, clock=lambda: next(seconds))
    told.say("api is ready")
    assert lines == ["   3.2 s  api is ready"]


def test_what_follows_a_first_line_is_indented_below_it() -> None:
    lines: list[str] = []
    console.Console(lines.append, clock=lambda: 0.0).say("it ended:\nwhy\nand where")
    assert lines == ["   0.0 s  it ended:", "          why", "          and where"]


async def test_a_silence_of_15_s_is_broken_by_one_line(clock: Clock) -> None:
    lines: list[str] = []
    told = console.Console(lines.append, clock=clock)
    told.say("api is ready")
    with pytest.raises(asyncio.CancelledError):
        await told.heartbeat()
    assert lines[1:] == [
        f"  {seconds:.1f} s  still going on after: api is ready" for seconds in (15, 30, 45)
    ]


async def test_a_happening_puts_the_next_line_off(clock: Clock) -> None:
    lines: list[str] = []
    told = console.Console(lines.append, clock=clock)
    clock.now_s += 10.0
    told.say("api is ready")
    with pytest.raises(asyncio.CancelledError):
        await told.heartbeat()
    assert lines[1].startswith("  25.0 s")
