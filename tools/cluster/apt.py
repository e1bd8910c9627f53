"""Debian packages on the host: installed without their services starting, and remembered.

A package that brings a daemon starts it unless `policy-rc.d` forbids it, so that file exists for
the time of one call. What was installed is written down, for `clean` to name.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tools.cluster import commands, errors, places

POLICY = Path("/usr/sbin/policy-rc.d")
_OURS = "# written by matchfleet for the time of one apt-get call"


def ensure_program(name: str, *, packages: tuple[str, ...], where: places.Places) -> None:
    """Installs `packages` unless the program `name` is there.

    Raises:
        MissingPrerequisite: It cannot be installed from here.
    """
    if commands.find(name) is None:
        install(packages, where=where)


def install(packages: tuple[str, ...], *, where: places.Places) -> None:
    """Installs Debian packages as root, no service started.

    Raises:
        MissingPrerequisite: Not root, or no apt-get.
        CommandFailed: apt-get failed.
    """
    wanted = " ".join(packages)
    if commands.find("apt-get") is None:
        raise errors.MissingPrerequisite(f"this machine has no apt-get; install: {wanted}")
    if os.geteuid() != 0:
        raise errors.MissingPrerequisite(f"run as root once: apt-get install {wanted}")
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        _apt_get("update")
    with _services_held_back():
        try:
            _apt_get("install", "-y", "--no-install-recommends", *packages)
        except errors.CommandFailed:
            # Lists older than the mirror name packages that are gone, and an earlier call may
            # have been cut short by a power failure.
            commands.run(["dpkg", "--configure", "-a"], timeout_s=600, outlives_us=True)
            _apt_get("update")
            _apt_get("install", "-y", "--no-install-recommends", *packages)
    _remember(packages, where)


def installed_by_us(where: places.Places) -> list[str]:
    """The packages that `install` was asked for on this machine."""
    record = where.cache / "apt-packages"
    return sorted(set(record.read_text().split())) if record.exists() else []


def _remember(packages: tuple[str, ...], where: places.Places) -> None:
    where.cache.mkdir(parents=True, exist_ok=True)
    with (where.cache / "apt-packages").open("a") as record:
        record.write("".join(f"{package}\n" for package in packages))


def _apt_get(*words: str) -> None:
    commands.run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-q", *words],
        env={"DEBIAN_FRONTEND": "noninteractive"},
        timeout_s=1200,
        # Cut short, it would leave packages half installed; the next call waits for its lock.
        outlives_us=True,
    )


@contextlib.contextmanager
def _services_held_back() -> Iterator[None]:
    """Forbids service starts; a file that someone else put there stays as it is."""
    if POLICY.exists() and _OURS not in POLICY.read_text(errors="replace"):
        yield
        return
    POLICY.write_text(f"#!/bin/sh\n{_OURS}\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
