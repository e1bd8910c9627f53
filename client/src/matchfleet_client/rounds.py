"""Many matches one after the other: how long players wait from ticket to playable."""

import math
from collections.abc import Sequence

import msgspec

from matchfleet_client import accounts


class Rounds(msgspec.Struct, frozen=True):
    """What `matchfleet play --rounds N --json` prints.

    Attributes:
        ticket_to_playable_s: of each match in order, its slowest player's.
        p50_s, p99_s: that half of them, and 99 of 100, did not exceed.
    """

    matches: int
    ticket_to_playable_s: list[float]
    p50_s: float
    p99_s: float


def of_accounts(played: Sequence[accounts.Account]) -> Rounds:
    """The account of all of them; there is at least one."""
    waits = [account.ticket_to_playable_s for account in played]
    return Rounds(
        matches=len(waits),
        ticket_to_playable_s=waits,
        p50_s=_percentile(waits, 0.5),
        p99_s=_percentile(waits, 0.99),
    )


def sentence(found: Rounds) -> str:
    """For people."""
    return (
        f"{found.matches} matches, from ticket to playable: "
        f"p50 {found.p50_s:.2f} s, p99 {found.p99_s:.2f} s, "
        f"most {max(found.ticket_to_playable_s):.2f} s"
    )


def _percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least this share of all does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
