"""Passwords as argon2id hashes, computed off the event loop by a few threads.

19 MiB, two passes, one lane: OWASP's smallest recommended profile, about 20 ms of CPU, so memory
and CPU stay bounded by the number of threads. What waits beyond a bound is refused at once, because
a login that is answered late is tried again. An unknown name costs as much as a wrong password.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from matchfleet_api import errors

T = TypeVar("T")
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, *, threads: int = 2, waiting: int = 32) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._most = threads + waiting
        self._inside = 0
        self._nobody = self._hasher.hash("nobody has this password")

    async def hashed(self, password: str) -> str:
        """The hash to keep of a password.

        Raises:
            errors.Overloaded: too many wait for a thread.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def is_right(self, password: str, kept_hash: str | None) -> bool:
        """Whether a password belongs to a hash; None stands for an account that does not exist.

        Raises:
            errors.Overloaded: too many wait for a thread.
        """
        return await self._run(lambda: self._verify(password, kept_hash))

    def is_weak(self, kept_hash: str) -> bool:
        """Whether a hash was made with other parameters than ours now."""
        return self._hasher.check_needs_rehash(kept_hash)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, kept_hash: str | None) -> bool:
        try:
            self._hasher.verify(kept_hash or self._nobody, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return kept_hash is not None

    async def _run(self, work: Callable[[], T]) -> T:
        with self._entered():
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    @contextlib.contextmanager
    def _entered(self) -> Iterator[None]:
        if self._inside >= self._most:
            raise errors.Overloaded
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
