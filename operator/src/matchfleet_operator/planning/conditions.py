"""Conditions as Kubernetes wants them: one of each type, and a time that moves only on a flip."""

import datetime
from dataclasses import dataclass

from matchfleet_contracts import clock
from matchfleet_contracts.resources import Condition

MAX_MESSAGE_CHARS = 1024


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said about one type: true or not, the reason in one word, and a sentence."""

    type: str
    status: bool
    reason: str
    message: str = ""


def merged(
    before: tuple[Condition, ...], *said: Said, now: datetime.datetime
) -> tuple[Condition, ...]:
    """The conditions after `said`, in order of first mention; times stay where nothing flipped."""
    by_type = {c.type: c for c in before}
    for new in said:
        status = "True" if new.status else "False"
        old = by_type.get(new.type)
        since = old.last_transition_time if old and old.status == status else clock.rfc3339(now)
        by_type[new.type] = Condition(
            type=new.type,
            status=status,
            reason=new.reason,
            message=shortened(new.message),
            last_transition_time=since,
        )
    return tuple(by_type.values())


def find(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((c for c in conditions if c.type == kind), None)


def is_true(conditions: tuple[Condition, ...], kind: str) -> bool:
    """Whether the condition of that type is there and True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


def shortened(text: str) -> str:
    """The text, cut to what a condition may hold."""
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"
