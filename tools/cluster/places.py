"""Where things are kept, so that `clean` can name all of it.

Everything lives under one cache folder, Go's caches included: nothing of ours is left in a
person's own GOPATH, and removing the folder removes the project.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent / "node"
DOCKERFILES = REPO / "tools" / "images"
POSTGRES_PROGRAMS = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one user."""

    cache: Path
    runtime: Path

    @property
    def binaries(self) -> Path:
        """kind, helm and kubectl, under their own names."""
        return self.cache / "bin"

    @property
    def node(self) -> Path:
        """What the node image is made of: kube, coredns, pause."""
        return self.cache / "kind-node"

    @property
    def go(self) -> Path:
        """GOCACHE and GOMODCACHE of our builds."""
        return self.cache / "go"

    @property
    def debian(self) -> Path:
        """Bootstrapped root file systems."""
        return self.cache / "debian"

    @property
    def images(self) -> Path:
        """Build contexts and Python layers of our images."""
        return self.cache / "images"

    @property
    def engine(self) -> Path:
        """State of the Docker engine that we start."""
        return self.cache / "docker"

    @property
    def locks(self) -> Path:
        """Lock files: one run at a time does each piece of work."""
        return self.cache / "locks"


def places_for(environment: Mapping[str, str], home: Path) -> Places:
    """The folders that follow from the environment; MATCHFLEET_CACHE_DIR moves them."""
    chosen = environment.get("MATCHFLEET_CACHE_DIR")
    cache = Path(chosen) if chosen else home / ".cache" / "matchfleet"
    # Sockets live here: a path of a Unix socket may not be longer than 107 bytes.
    runtime = Path("/run/matchfleet") if not chosen else cache / "run"
    return Places(cache=cache, runtime=runtime)


def own_places() -> Places:
    """The folders of the user who runs this process."""
    return places_for(os.environ, Path.home())
