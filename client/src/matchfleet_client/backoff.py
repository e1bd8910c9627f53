"""How long to wait before trying again: full jitter, so that a crowd does not return as one."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow from `first_s` by `factor` up to `most_s`, at most `tries` of them.

    Attributes:
        tries: how many waits there are; None means that it never gives up.
    """

    first_s: float = 0.1
    factor: float = 2.0
    most_s: float = 5.0
    tries: int | None = 6


def waits(backoff: Backoff, *, rng: random.Random) -> Iterator[float]:
    """The waits in seconds, each drawn evenly between nothing and its bound.

    The even draw over the whole interval spreads returning clients best; see the AWS architecture
    blog, "Exponential Backoff And Jitter".
    """
    bound, given = backoff.first_s, 0
    while backoff.tries is None or given < backoff.tries:
        yield rng.uniform(0.0, bound)
        bound = min(backoff.most_s, bound * backoff.factor)
        given += 1
