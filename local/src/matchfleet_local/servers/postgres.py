"""PostgreSQL's recipe: durable as in production, small as on a laptop.

`fsync` stays on: the product's promises are about what survives a crash, and a demo or a test that
runs without it would prove nothing. Memory is kept small instead. There is no Unix socket: a path
below a temporary directory soon exceeds the 107 bytes that a socket's name may have.
"""

import signal
from collections.abc import Mapping
from pathlib import Path

from matchfleet_local.servers import recipes

SETTINGS: Mapping[str, str] = {
    "listen_addresses": f"'{recipes.LOOPBACK}'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
"""`mmap`, because /dev/shm is 64 MB or absent in many containers; no WAL senders, because nobody
replicates a demo."""

HBA = f"host all all {recipes.LOOPBACK}/32 scram-sha-256\n"


def recipe(program: Path, home: Path, *, port: int, password: str) -> recipes.Recipe:
    """Plan a cluster in `home`, served by the `postgres` at `program`."""
    data = home / "data"
    settings = "".join(f"{name} = {value}\n" for name, value in SETTINGS.items())
    initdb = recipes.Command(
        (
            str(program.with_name("initdb")),
            f"--pgdata={data}",
            f"--username={recipes.USER}",
            f"--pwfile={home / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        )
    )
    serve = recipes.Command(
        (
            str(program),
            "-D",
            str(data),
            "-p",
            str(port),
            "-c",
            f"config_file={home / 'postgresql.conf'}",
            "-c",
            f"hba_file={home / 'pg_hba.conf'}",
        )
    )
    return recipes.Recipe(
        name="postgres",
        home=home,
        files={"password": password, "postgresql.conf": settings, "pg_hba.conf": HBA},
        prepare=(initdb,),
        serve=serve,
        port=port,
        stop_signal=signal.SIGINT,  # a fast shutdown: clients are cut off, nothing is lost
        leash_signal=signal.SIGQUIT,  # an immediate one; its children end with it
    )


def dsn(port: int, password: str, database: str = "postgres") -> str:
    """The address of one database."""
    return f"postgresql://{recipes.USER}:{password}@{recipes.LOOPBACK}:{port}/{database}"
