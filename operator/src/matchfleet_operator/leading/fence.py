"""Holds back the writes of an operator that does not lead any more.

A write may wait for its turn after it was planned, and leadership may pass to another replica in
that time. So it is asked for again in the last moment, when nothing stands between the write and
the network. What is on the wire by then carries the version it was decided on, and fails by it.
"""

from matchfleet_operator import errors
from matchfleet_operator.acting.bucket import Bucket
from matchfleet_operator.watching.memory import Memory


class Fence:
    """A bucket that gives nothing to who does not lead."""

    def __init__(self, bucket: Bucket, memory: Memory) -> None:
        self._bucket = bucket
        self._memory = memory

    async def take(self) -> None:
        """Returns when one more write may be sent.

        Raises:
            errors.NotLeading: it may not.
        """
        await self._bucket.take()
        if not self._memory.leading:
            raise errors.NotLeading
