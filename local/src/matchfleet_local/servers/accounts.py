"""Which account the servers run as, and where that account may keep its files.

As an ordinary user: that user. As root: `nobody`, because PostgreSQL refuses to serve as root and
because a demo has no business making accounts. Not `postgres`, `redis` or `rabbitmq`: files that
a production server on the same machine owns must stay out of reach. And not a number without a
name: PostgreSQL's initdb looks its user up.
"""

import os
import pwd
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from matchfleet_local.servers import errors

CANDIDATES = ("nobody", "daemon")
ELSEWHERE = "matchfleet-servers-"
SETTLED_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine, by number."""

    name: str
    uid: int
    gid: int


def ourselves() -> Account:
    """The account of this process."""
    return Account(str(os.geteuid()), os.geteuid(), os.getegid())


def for_servers() -> Account:
    """The account to serve as: ourselves, or an unprivileged one when we are root."""
    if os.geteuid() != 0:
        return ourselves()
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise errors.ServersMissing(
        ("an unprivileged account",),
        f"Create one of {', '.join(CANDIDATES)}, or do not run as root.",
    )


def home_for(directory: Path, account: Account) -> Path:
    """Make the directory that holds the servers' homes, private to us and passable for `account`.

    Root's own directories are closed to other accounts (`/root`, pytest's temporary tree). There
    the servers live in the machine's temporary directory instead, under a name derived from the
    directory asked for, so that a later run finds what an earlier one left.

    Raises:
        DirectoryRefused: it exists and belongs to another account.
    """
    directory = directory.absolute()
    dropped = account.uid != os.geteuid()
    if dropped and not _can_pass(directory.parent):
        digest = sha256(os.fsencode(directory)).hexdigest()[:16]
        directory = Path(tempfile.gettempdir()) / f"{ELSEWHERE}{digest}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise errors.DirectoryRefused(directory, "it belongs to another account; name another one")
    directory.chmod(0o711 if dropped else 0o700)
    return directory


def elsewhere(now_s: float | None = None) -> tuple[Path, ...]:
    """The directories of ours in the temporary one that are older than a run's first moments."""
    before_s = (time.time() if now_s is None else now_s) - SETTLED_AFTER_S
    return tuple(
        found
        for found in Path(tempfile.gettempdir()).glob(f"{ELSEWHERE}*")
        if stat.S_ISDIR((status := found.lstat()).st_mode)
        and status.st_uid == os.geteuid()
        and status.st_mtime < before_s
    )


def private(directory: Path, account: Account) -> Path:
    """Make one server's own directory: mode 0700, owned by the account that serves."""
    directory.mkdir(mode=0o700, exist_ok=True)
    os.chown(directory, account.uid, account.gid)
    return directory


def place(path: Path, text: str, account: Account) -> None:
    """Write a file that only the serving account may read; never through a link."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        os.fchown(file.fileno(), account.uid, account.gid)


def remove(directory: Path) -> None:
    """Remove a server's directory and all in it; one that is not there is as good."""
    if directory.is_dir() and not directory.is_symlink():
        shutil.rmtree(directory)


def _can_pass(directory: Path) -> bool:
    """Whether any account may walk to `directory`; parts that do not exist yet will allow it."""
    walked = (directory, *directory.parents)
    return all(part.stat().st_mode & stat.S_IXOTH for part in walked if part.exists())
