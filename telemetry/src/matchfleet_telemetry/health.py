"""What is wrong with this process right now, by name.

A process is ready when nothing is wrong. Whoever watches a dependency sets or clears its own entry;
the probe only reads, so that a slow dependency never slows a probe.
"""

from collections.abc import Callable

Check = Callable[[], str | None]
"""Answers None when all is well, else a sentence for whoever reads the probe's body."""


class Board:
    """The list of what is wrong, kept by many and read by the probe."""

    def __init__(self, *waiting_for: str) -> None:
        self._wrong: dict[str, str] = dict.fromkeys(waiting_for, "not there yet")

    def wrong(self, what: str, why: str) -> None:
        """Says that `what` is not well, and why."""
        self._wrong[what] = why

    def well(self, what: str) -> None:
        """Says that `what` is well (again)."""
        self._wrong.pop(what, None)

    def report(self) -> str | None:
        """None when nothing is wrong, else a line for each thing that is."""
        return "\n".join(f"{what}: {why}" for what, why in sorted(self._wrong.items())) or None


def always_well() -> str | None:
    """The check of a process that lives as long as its event loop answers."""
    return None
