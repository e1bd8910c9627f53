"""Redis's recipe: append-only, so that a stopped server comes back with its keys.

The product survives a flushed Redis; that is tested by flushing it, not by a restart that loses
keys by accident.
"""

import signal
from pathlib import Path

from matchfleet_local.servers import recipes

DATABASES = 128
"""More than the usual 16: a test may take a number of its own."""


def config(home: Path, *, port: int, password: str) -> str:
    """Render redis.conf."""
    return "".join(
        f"{line}\n"
        for line in (
            f"bind {recipes.LOOPBACK}",
            f"port {port}",
            "protected-mode yes",
            f"requirepass {password}",
            f"databases {DATABASES}",
            f"dir {home}",
            'save ""',
            "appendonly yes",
            "appendfsync everysec",
            "maxmemory 128mb",
            "maxmemory-policy noeviction",
            "io-threads 1",
            "daemonize no",
            "supervised no",
            'logfile ""',
        )
    )


def recipe(program: Path, home: Path, *, port: int, password: str) -> recipes.Recipe:
    """Plan a server in `home`."""
    return recipes.Recipe(
        name="redis",
        home=home,
        files={"redis.conf": config(home, port=port, password=password)},
        prepare=(),
        serve=recipes.Command((str(program), str(home / "redis.conf"))),
        port=port,
        stop_signal=signal.SIGTERM,
        leash_signal=signal.SIGKILL,
    )


def url(port: int, password: str, database: int = 0) -> str:
    """The address of one numbered database."""
    return f"redis://:{password}@{recipes.LOOPBACK}:{port}/{database}"
