"""Which loopback ports the servers take.

A server that is stopped and started again in a test must find its port free, so ports come from
below the range that the kernel hands to outgoing connections, and from below the range that
Kubernetes uses for node ports. The choice is random within it: two runs on one machine rarely
meet, and `is_free` settles the rest.
"""

import random
import socket
from collections.abc import Callable

FIRST_PORT = 15_000
LAST_PORT = 24_999


def plan(
    count: int, *, is_free: Callable[[int], bool], source: random.Random, tries: int = 1000
) -> tuple[int, ...]:
    """Choose `count` different free ports.

    Raises:
        RuntimeError: too few are free after `tries` draws.
    """
    chosen: list[int] = []
    for _ in range(tries):
        if len(chosen) == count:
            return tuple(chosen)
        port = source.randint(FIRST_PORT, LAST_PORT)
        if port not in chosen and is_free(port):
            chosen.append(port)
    if len(chosen) == count:
        return tuple(chosen)
    raise RuntimeError(
        f"found {len(chosen)} of {count} free ports between {FIRST_PORT} and {LAST_PORT}"
    )


def is_free(port: int) -> bool:
    """Whether a loopback port can be bound now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
