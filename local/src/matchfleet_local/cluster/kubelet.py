"""The node: binds every pod to itself and gives each a worker and an address of its own.

Scheduling is no decision here, there is one node. Addresses are taken in order from 127.64.0.0/16,
beginning at an offset that differs between clusters of one machine.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from matchfleet_local.cluster import kinds, patches, podfiles, pods, requests, stamps
from matchfleet_local.cluster.history import Change, EventType

log = structlog.get_logger(__name__)

NODE_NAME = "local"
_HOSTS = 254
_ADDRESSES = 256 * _HOSTS
_CONFIGURATION = frozenset({kinds.CONFIG_MAPS.key, kinds.SECRETS.key})


def address(number: int) -> str:
    """The n-th pod address; the sequence repeats after 65,024."""
    high, low = divmod(number % _ADDRESSES, _HOSTS)
    return f"127.64.{high}.{low + 1}"


class Kubelet:
    """Runs the pods of this machine."""

    def __init__(self, machine: pods.Machine, *, address_offset: int) -> None:
        self._machine = machine
        self._next_address = address_offset
        self._workers: dict[str, pods.Worker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unbound: asyncio.Queue[requests.Ref] = asyncio.Queue()
        machine.live.listen(self._hear)

    def _hear(self, change: Change) -> None:
        if change.key in _CONFIGURATION:
            for worker in self._workers.values():
                worker.reconfigure()
            return
        if change.key != kinds.PODS.key:
            return
        uid = change.obj["metadata"]["uid"]
        if uid in self._workers:
            self._workers[uid].wake()
        elif change.type is not EventType.DELETED:
            self._hear_of_new(change, uid)

    def _hear_of_new(self, change: Change, uid: str) -> None:
        pod = change.obj
        node = pod["spec"].get("nodeName")
        if node == NODE_NAME:
            self._admit(pod, uid)
        elif not node and not pod["metadata"].get("deletionTimestamp"):
            ref = requests.Ref(kinds.PODS, change.namespace, change.name)
            self._unbound.put_nowait(ref)

    async def schedule(self) -> None:
        """Bind new pods to this node, for ever."""
        while True:
            ref = await self._unbound.get()
            pod = self._machine.live.store.read(ref)
            if pod is None or pod["spec"].get("nodeName"):
                continue
            now = stamps.text(self._machine.live.clock())
            scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
            body = {"spec": {"nodeName": NODE_NAME}, "status": {"conditions": [scheduled]}}
            patch = patches.Patch(patches.MERGE, body)
            self._machine.live.apply(requests.Amend(ref, patch, "binding"))

    def _admit(self, pod: Mapping[str, Any], uid: str) -> None:
        worker = pods.Worker(self._machine, pod, self._free_address())
        self._workers[uid] = worker
        task = asyncio.create_task(worker.run(), name=f"pod-{pod['metadata']['name']}")
        self._tasks[uid] = task
        task.add_done_callback(lambda done: self._gone(uid, done))

    def _free_address(self) -> str:
        taken = {worker.address for worker in self._workers.values()}
        while True:
            chosen = address(self._next_address)
            self._next_address += 1
            if chosen not in taken:
                return chosen

    def _gone(self, uid: str, task: asyncio.Task[None]) -> None:
        self._workers.pop(uid, None)
        self._tasks.pop(uid, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("pod_worker_failed", uid=uid, exc_info=error)

    async def stop(self, within_s: float) -> None:
        """End every pod's process within a time."""
        workers = tuple(self._workers.values())
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(worker.stop(within_s) for worker in workers))

    def read(
        self, pod: Mapping[str, Any], *, tail: int | None, follow: bool
    ) -> AsyncIterator[bytes]:
        """The output of a pod's container."""
        place = podfiles.directory(self._machine.root, pod)
        uid = pod["metadata"]["uid"]

        def is_over() -> bool:
            worker = self._workers.get(uid)
            return worker is None or not worker.is_running

        path = podfiles.log_file(place, pod)
        return podfiles.read_log(path, tail=tail, is_over=is_over if follow else None)
