"""Finds out whether everything around us is being deleted, and then holds nothing back.

A namespace that is deleted waits for the finalizers of claimed pods, which we keep until a broker
has confirmed their end; but the broker may be in the same namespace and gone already.
"""

import asyncio

import structlog

from matchfleet_operator import errors
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import KubeApi
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.memory import Memory

log = structlog.get_logger(__name__)

CHECK_PERIOD_S = 1.0


class NamespaceGuard:
    """Looks at our namespace when there is a reason to."""

    def __init__(self, api: KubeApi, memory: Memory, name: str) -> None:
        self._api = api
        self._memory = memory
        self._name = name
        self._suspected = asyncio.Event()

    def suspect(self) -> None:
        """Something is being deleted that need not be: look soon."""
        self._suspected.set()

    async def check(self) -> bool:
        """Whether the namespace is being deleted; remembered once it is."""
        if self._memory.namespace_ending:
            return True
        try:
            found = await self._api.get(kube.NAMESPACES, self._name)
        except errors.ApiError as error:
            log.info("namespace_unreadable", namespace=self._name, why=str(error))
            return False
        if observed.is_terminating(found):
            log.warning("namespace_is_ending", namespace=self._name)
            self._memory.namespace_ending = True
        return self._memory.namespace_ending

    async def watch(self, *, period_s: float) -> None:
        """Looks when suspected, and every so often; returns once the namespace is ending."""
        while not await self.check():
            self._suspected.clear()
            await asyncio.sleep(CHECK_PERIOD_S)
            try:
                async with asyncio.timeout(period_s):
                    await self._suspected.wait()
            except TimeoutError:
                continue
