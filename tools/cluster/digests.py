"""Content hashes: what makes a cached result fresh or stale.

A tag made from the inputs needs no time stamps and no state: the same inputs are the same image.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

IGNORED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def digest(parts: Iterable[str | bytes]) -> str:
    """A short hash (12 hex digits) over `parts`, each one delimited."""
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(f"{len(data)}:".encode())
        sha.update(data)
    return sha.hexdigest()[:12]


def files_under(root: Path) -> list[Path]:
    """Every file below `root` in a stable order, caches left out; `root` itself if a file."""
    if root.is_file():
        return [root]
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not IGNORED.intersection(path.parts) and path.suffix != ".pyc"
    )


def tree_parts(*roots: Path) -> list[str | bytes]:
    """Names, executable bits and contents of the files below each root."""
    parts: list[str | bytes] = []
    for root in roots:
        base = root if root.is_dir() else root.parent
        for path in files_under(root):
            executable = "x" if path.stat().st_mode & 0o100 else "-"
            parts += [f"{executable} {path.relative_to(base)}", path.read_bytes()]
    return parts
