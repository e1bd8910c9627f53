"""What a check of one invariant says."""

from dataclasses import dataclass
from typing import Final

TITLES: Final = {
    "I1": "a recorded result is never lost",
    "I2": "each result moves ratings once, and ratings are the fold of the ledger",
    "I3": "every ticket ends once, as matched, cancelled or expired",
    "I4": "no player holds two live seats",
    "I5": "each match ends once",
    "I6": "at most one live server per match, and only its result counts",
    "I7": "no pod outlives its match or its deadline",
    "I8": "what Redis remembers is what PostgreSQL says",
    "I9": "a poison message blocks nothing and is kept with its reason",
    "I10": "one bad client does not slow the others' ticks",
}
_MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: what breaks it, and what was looked at."""

    invariant: str
    violations: tuple[str, ...]
    detail: str

    @property
    def title(self) -> str:
        """The invariant in words."""
        return TITLES[self.invariant]

    @property
    def ok(self) -> bool:
        """Whether nothing breaks it."""
        return not self.violations


def told(invariant: str, violations: list[str], detail: str) -> Finding:
    """A finding that names the first violations and counts the others."""
    shown = sorted(violations)[:_MOST_TOLD]
    if len(violations) > _MOST_TOLD:
        shown.append(f"and {len(violations) - _MOST_TOLD} more")
    return Finding(invariant, tuple(shown), detail)
