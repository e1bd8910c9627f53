"""Shows the messages that could not be handled, and puts them back when a person says so."""

import sys
from typing import Any

import msgspec

from matchfleet_adapters import rabbitmq
from matchfleet_contracts import topology
from matchfleet_workers import settings


async def run(config: settings.Dead, *, queue: str, is_replaying: bool) -> None:
    """Prints the dead messages of a queue, or how many were put back.

    Raises:
        matchfleet_adapters.errors.Unavailable: the broker does not answer.
    """
    which = next(known for known in topology.QUEUES if known.name == queue)
    if is_replaying:
        _print({"queue": queue, "replayed": await rabbitmq.replay(config.rabbitmq_url, which)})
        return
    for letter in await rabbitmq.dead_letters(config.rabbitmq_url, which):
        _print(
            {
                "queue": letter.queue,
                "reason": letter.reason,
                "type": letter.type,
                "died": letter.died,
                "body": letter.body.decode(errors="replace"),
            }
        )


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
