"""Where the servers' programs are, and how they come to be there.

Programs that are installed are used from where they are; their services are left alone. What is
missing is installed by `install.py` (root, Debian or Ubuntu), run as containers (Docker answers),
or named in a refusal that says exactly what to type. The choice is a value, so that `make doctor`
can show it before anything happens.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ServerName = Literal["postgres", "redis", "rabbitmq"]
ALL: tuple[ServerName, ...] = ("postgres", "redis", "rabbitmq")

PACKAGES: Mapping[ServerName, str] = {
    "postgres": "postgresql",
    "redis": "redis-server",
    "rabbitmq": "rabbitmq-server",
}
"""Debian's and Ubuntu's names."""

PLACES: Mapping[ServerName, tuple[tuple[str, str], ...]] = {
    "postgres": (
        ("/usr/lib/postgresql", "*/bin/postgres"),
        ("/usr/local", "pgsql/bin/postgres"),
        ("/usr", "bin/postgres"),
        ("/usr/local", "bin/postgres"),
    ),
    "redis": (("/usr", "bin/redis-server"), ("/usr/local", "bin/redis-server")),
    "rabbitmq": (
        ("/usr/lib/rabbitmq/lib", "rabbitmq_server-*/sbin/rabbitmq-server"),
        ("/usr/local/lib/rabbitmq", "**/rabbitmq_server-*/sbin/rabbitmq-server"),
        ("/opt/rabbitmq", "sbin/rabbitmq-server"),
    ),
}
"""Folder and pattern. The distribution's own /usr/sbin/rabbitmq-server is passed over: it insists
on the account `rabbitmq`."""


@dataclass(frozen=True, slots=True)
class Installed:
    """Every wanted server has its program here."""

    programs: Mapping[ServerName, Path]


@dataclass(frozen=True, slots=True)
class Install:
    """These packages are to be installed, then looked for again."""

    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing works from here; the remedy is a sentence for a person."""

    missing: tuple[ServerName, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class UseContainers:
    """These servers run as containers; the others from their programs."""

    programs: Mapping[ServerName, Path]
    contained: tuple[ServerName, ...]


Source = Installed | Install | UseContainers | Refuse


def plan(
    wanted: Sequence[ServerName],
    found: Mapping[ServerName, Path],
    *,
    can_install: bool,
    has_docker: bool,
) -> Source:
    """Decide where the wanted servers come from.

    Args:
        wanted: the servers asked for.
        found: programs on this machine.
        can_install: we are root on Debian, Ubuntu or a child of theirs.
        has_docker: a Docker engine answers us.
    """
    programs = {name: found[name] for name in wanted if name in found}
    missing = tuple(name for name in wanted if name not in found)
    if not missing:
        return Installed(programs)
    packages = tuple(PACKAGES[name] for name in missing)
    if can_install:
        return Install(packages)
    if has_docker:
        return UseContainers(programs, missing)
    return Refuse(missing, remedy(missing))


def remedy(missing: Sequence[ServerName]) -> str:
    """What a person can do about missing servers."""
    return (
        f"On Debian or Ubuntu run `sudo apt-get install --no-install-recommends "
        f"{' '.join(PACKAGES[name] for name in missing)}`; elsewhere install the same servers, or "
        f"start Docker. Their services need not run."
    )


def find(wanted: Iterable[ServerName], *, root: Path = Path("/")) -> dict[ServerName, Path]:
    """Look for the servers' programs; the newest version wins."""
    found: dict[ServerName, Path] = {}
    for name in wanted:
        for folder, pattern in PLACES[name]:
            hits = [hit for hit in (root / folder.lstrip("/")).glob(pattern) if _is_whole(hit)]
            if hits:
                found[name] = max(hits, key=_version)
                break
    return found


def is_debian(os_release: str) -> bool:
    """Whether the text of /etc/os-release names Debian or a child of it."""
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, flags=re.MULTILINE))
    return "debian" in f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".split()


def _is_whole(program: Path) -> bool:
    """PostgreSQL's client package alone brings a folder without initdb."""
    return program.name != "postgres" or program.with_name("initdb").exists()


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(path)))
