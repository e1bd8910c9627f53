"""Install server packages without their services ever running.

Debian starts a server when its package is configured, and its PostgreSQL package makes a cluster.
A demo must do neither to somebody's machine. For the duration of one `apt-get` call a policy
answers 101 ("action forbidden by policy", invoke-rc.d(8)) to every request to start a service, and
a drop-in tells postgresql-common to make no cluster. Both are undone afterwards. The policy also
steps aside by itself once the process that wrote it is gone, so that a run killed in mid-air
leaves a machine that still starts its services.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from matchfleet_local.servers import errors

POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTER_DROPIN = Path("/etc/postgresql-common/createcluster.d/matchfleet.conf")
SAVED_SUFFIX = ".before-matchfleet"
LOCK = Path("/run/matchfleet-install.lock")
RECORD = "apt-packages"
"""The file, in the project's cache folder, that names what `make clean` shall list."""
MARK = "# Written by matchfleet for the length of one apt-get call."
LOCK_WAIT_S = 600
OUTPUT_TAIL_CHARS = 4000
UNITS = ("redis-server.service", "rabbitmq-server.service", "epmd.service", "epmd.socket")
"""Units that these packages enable for the next boot; we disable those that were not there."""

Announce = Callable[[str], None]


def install(packages: Sequence[str], *, announce: Announce) -> None:
    """Install packages as root.

    Raises:
        InstallFailed: apt-get ended with an error.
    """
    known_units = _known_units()
    with _one_at_a_time(), services_held(POLICY, pid=os.getpid()), no_cluster(CLUSTER_DROPIN):
        announce(f"installing {', '.join(packages)} (their services stay off)")
        command = apt_command(packages)
        done = _run(command)
        if done.returncode:
            # A package list that is absent or out of date is the usual reason.
            _run(("apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT_S}", "update"))
            done = _run(command)
        if done.returncode:
            raise errors.InstallFailed(command, done.stdout[-OUTPUT_TAIL_CHARS:])
    remember(packages, record_for(os.environ, Path.home()))
    fresh = [unit for unit in _known_units() if unit not in known_units]
    if fresh:
        subprocess.run(("systemctl", "disable", "--quiet", *fresh), check=False)


def apt_command(packages: Sequence[str]) -> tuple[str, ...]:
    """The call: nothing recommended, nothing removed, patient with another apt."""
    return (
        "apt-get",
        "-o",
        f"DPkg::Lock::Timeout={LOCK_WAIT_S}",
        "install",
        "--yes",
        "--no-install-recommends",
        "--no-remove",
        *packages,
    )


def policy_text(saved: Path, *, pid: int) -> str:
    """The policy: no to everything while `pid` lives, then whatever was there before."""
    return (
        f"#!/bin/sh\n{MARK}\n"
        f"[ -d /proc/{pid} ] && exit 101\n"
        f'[ -x {saved} ] && exec {saved} "$@"\n'
        "exit 0\n"
    )


def record_for(environment: Mapping[str, str], home: Path) -> Path:
    """Where installed packages are written down; MATCHFLEET_CACHE_DIR moves the cache folder."""
    chosen = environment.get("MATCHFLEET_CACHE_DIR")
    return (Path(chosen) if chosen else home / ".cache" / "matchfleet") / RECORD


def remember(packages: Sequence[str], record: Path) -> None:
    """Write down what was installed: it outlives us, and its owner shall know."""
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.open("a", encoding="utf-8") as file:
        file.writelines(f"{package}\n" for package in packages)


@contextlib.contextmanager
def services_held(policy: Path, *, pid: int) -> Iterator[None]:
    """Let no service be started within; afterwards the policy is what it was, or is gone."""
    saved = policy.with_name(policy.name + SAVED_SUFFIX)
    _restore(policy, saved)
    if policy.exists():
        policy.rename(saved)
    policy.write_text(policy_text(saved, pid=pid), encoding="utf-8")
    policy.chmod(0o755)
    try:
        yield
    finally:
        _restore(policy, saved)


@contextlib.contextmanager
def no_cluster(dropin: Path) -> Iterator[None]:
    """Let Debian's PostgreSQL package make no cluster within."""
    made = [part for part in (dropin.parent, dropin.parent.parent) if not part.exists()]
    dropin.parent.mkdir(parents=True, exist_ok=True)
    dropin.write_text(f"{MARK}\ncreate_main_cluster = false\n", encoding="utf-8")
    try:
        yield
    finally:
        dropin.unlink(missing_ok=True)
        for part in made:
            with contextlib.suppress(OSError):  # the package has put files of its own there
                part.rmdir()


def _restore(policy: Path, saved: Path) -> None:
    """Undo our policy, also one that a killed run left."""
    if policy.exists() and MARK in policy.read_text(encoding="utf-8", errors="replace"):
        policy.unlink()
    if saved.exists() and not policy.exists():
        saved.rename(policy)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep two of our runs from restoring each other's policy."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _known_units() -> frozenset[str]:
    if not shutil.which("systemctl"):
        return frozenset()
    folders = (Path("/lib/systemd/system"), Path("/usr/lib/systemd/system"))
    return frozenset(unit for unit in UNITS for folder in folders if (folder / unit).exists())


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "NEEDRESTART_SUSPEND": "1",
            **{
                name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")
            },
        },
    )
