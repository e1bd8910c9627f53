"""A Debian root file system without an image registry.

One bootstrapped trixie is the ground of everything that is built here: the node image, our own
images and, where the host has no Go, the compiler. It is kept as one archive under a name made
from its inputs and renamed into place when complete.
"""

import os
import re
import shutil
from pathlib import Path

from tools.cluster import apt, commands, digests, docker, errors, places, versions

PACKAGES = ("ca-certificates", "python3")
# Later installs leave the same out, so that no layer has to delete what a lower one brought.
LEAN_DPKG = "".join(
    f"path-exclude=/usr/share/{folder}/*\n" for folder in ("doc", "man", "locale", "info")
)
DEFAULT_MIRROR = "http://deb.debian.org/debian"
# Documentation and translations are a third of a minimal Debian.
UNNEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)


def mirror_in(sources: str) -> str:
    """The first Debian mirror named in apt's sources (either format), or Debian's own."""
    for line in sources.splitlines():
        found = re.match(
            r"\s*(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(https?://\S+/debian)/?(?:\s|$)", line
        )
        if found:
            return found.group(1)
    return DEFAULT_MIRROR


def archive_name() -> str:
    """The archive's file name: it changes with everything that goes in."""
    code = digests.digest([versions.DEBIAN_SUITE, *PACKAGES, *UNNEEDED, LEAN_DPKG])
    return f"{versions.DEBIAN_SUITE}-{code}.tar"


def image() -> str:
    """The image that holds the archive."""
    return f"matchfleet/debian:{Path(archive_name()).stem}"


def is_cached(where: places.Places) -> bool:
    """Whether the archive is there."""
    return (where.debian / archive_name()).exists()


def ensure_archive(where: places.Places) -> Path:
    """Bootstraps Debian unless that was done; returns the archive.

    Raises:
        MissingPrerequisite: Only root can bootstrap a Debian.
    """
    archive = where.debian / archive_name()
    if archive.exists():
        return archive
    if os.geteuid() != 0:
        raise errors.MissingPrerequisite(
            "no image registry answers and bootstrapping Debian needs root: "
            "run as root, or give Docker a registry to pull from"
        )
    apt.ensure_program("debootstrap", packages=("debootstrap",), where=where)
    where.debian.mkdir(parents=True, exist_ok=True)
    for leftover in where.debian.glob("bootstrapping*"):
        shutil.rmtree(leftover, ignore_errors=True)
    root = where.debian / f"bootstrapping-{os.getpid()}"
    packages = ",".join(PACKAGES)
    commands.run(
        [
            "debootstrap",
            "--variant=minbase",
            f"--include={packages}",
            versions.DEBIAN_SUITE,
            root,
            mirror_in(_host_sources()),
        ],
        env={"DEBIAN_FRONTEND": "noninteractive", "PATH": _SYSTEM_PATH},
        timeout_s=1200,
    )
    for folder in UNNEEDED:
        _empty(root / folder)
    (root / "etc/dpkg/dpkg.cfg.d/lean").write_text(LEAN_DPKG)
    partial = archive.with_suffix(".partial")
    commands.run(["tar", "-C", root, "-cf", partial, "."])
    partial.rename(archive)
    shutil.rmtree(root)
    return archive


_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _host_sources() -> str:
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def ensure_image(where: places.Places) -> str:
    """Puts the archive into the engine unless it is there; returns the image's name."""
    name = image()
    if not docker.has_image(name):
        docker.load_root(ensure_archive(where), name)
    return name
