"""Chance in a game: a generator of 32-bit numbers whose whole state is four integers.

It is Chris Doty-Humphrey's sfc32. `random` promises the same numbers across Python versions only
for `random()`, and its state is 2.5 KB; this one is saved with the game, and another language can
repeat it.
"""

from typing import Self

_MASK = 0xFFFFFFFF
_WARM_UP = 15


class Rng:
    """A stream of chance that a seed decides."""

    __slots__ = ("_a", "_b", "_c", "_count")

    def __init__(self, state: tuple[int, int, int, int]) -> None:
        self._a, self._b, self._c, self._count = (part & _MASK for part in state)

    @classmethod
    def seeded(cls, seed: int) -> Self:
        """The stream of a seed, of which the low 64 bits count."""
        rng = cls((0x9E3779B9, seed, seed >> 32, 1))
        for _ in range(_WARM_UP):
            rng.next_u32()
        return rng

    @property
    def state(self) -> tuple[int, int, int, int]:
        """What `Rng(state)` goes on from."""
        return self._a, self._b, self._c, self._count

    def next_u32(self) -> int:
        """A whole number below 2**32."""
        out = (self._a + self._b + self._count) & _MASK
        self._count = (self._count + 1) & _MASK
        self._a = self._b ^ (self._b >> 9)
        self._b = (self._c + (self._c << 3)) & _MASK
        self._c = ((self._c << 21 | self._c >> 11) + out) & _MASK
        return out

    def next_unit(self) -> float:
        """A number from 0 up to, but not including, 1; a multiple of 2**-32."""
        return self.next_u32() / 4294967296.0
