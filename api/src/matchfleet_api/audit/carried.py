"""I9: nothing blocks RabbitMQ's queues, and what died there says why."""

from collections.abc import Sequence
from typing import Protocol

from matchfleet_adapters import rabbitmq
from matchfleet_api.audit import finding
from matchfleet_contracts import topology


class Broker(Protocol):
    """What an audit sees of the broker; each call may raise `errors.Unavailable`."""

    async def depths(self) -> Sequence[rabbitmq.Depth]:
        """The depth of every queue."""
        ...

    async def dead_letters(self, queue: topology.Queue) -> Sequence[rabbitmq.DeadLetter]:
        """The dead messages of a queue."""
        ...


class RabbitBroker:
    """The port on RabbitMQ."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def depths(self) -> Sequence[rabbitmq.Depth]:
        """See the port."""
        return await rabbitmq.depths(self._url)

    async def dead_letters(self, queue: topology.Queue) -> Sequence[rabbitmq.DeadLetter]:
        """See the port."""
        return await rabbitmq.dead_letters(self._url, queue)


async def check(broker: Broker, *, backlog: int) -> finding.Finding:
    """I9: queues are consumed, none is longer than `backlog`, dead messages have a reason."""
    violations: list[str] = []
    depths = await broker.depths()
    for depth in depths:
        if depth.consumers == 0:
            violations.append(f"{depth.queue}: nobody consumes it")
        if depth.messages > backlog:
            violations.append(f"{depth.queue}: {depth.messages} messages wait")
    dead = [m for queue in topology.QUEUES for m in await broker.dead_letters(queue)]
    violations += [
        f"{m.queue}: a dead {m.type or 'message'} has no reason" for m in dead if not m.reason
    ]
    waiting = ", ".join(f"{d.queue} {d.messages}" for d in depths)
    return finding.told("I9", violations, f"waiting: {waiting}; dead: {len(dead)}")
