"""The directory of each pod: its volumes, termination file and log. Only I/O."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from matchfleet_local.cluster import launching, volumes

MESSAGE_BYTES = 4096
_FALLBACK_LINES = 80
_FALLBACK_BYTES = 2048
_CHUNK_BYTES = 64 * 1024
_FOLLOW_EVERY_S = 0.2


def directory(root: Path, pod: Mapping[str, Any]) -> Path:
    """Where a pod lives."""
    meta = pod["metadata"]
    return root / f"{meta['namespace']}_{meta['name']}_{meta['uid']}"


def log_file(place: Path, pod: Mapping[str, Any]) -> Path:
    """The output of the pod's container."""
    return place / f"{pod['spec']['containers'][0]['name']}.log"


def prepare(place: launching.Place) -> None:
    """Make the directories, and an empty termination file."""
    place.work.mkdir(parents=True, exist_ok=True)
    place.termination.write_bytes(b"")


def write_volume(target: Path, files: volumes.Files) -> None:
    """Bring a volume's files up to date; each file is replaced in one step."""
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = target / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(content)
        fresh.replace(path)
    for path in target.iterdir():
        if path.is_file() and not any(path == target / name for name in files):
            path.unlink()


def message(place: launching.Place, log: Path, policy: str, code: int) -> str:
    """The termination message, at most 4096 bytes of its end."""
    try:
        written = _tail(place.termination, MESSAGE_BYTES)
    except FileNotFoundError:
        written = b""
    if not written and policy == "FallbackToLogsOnError" and code:
        written = b"\n".join(_tail(log, _FALLBACK_BYTES).splitlines()[-_FALLBACK_LINES:])
    return written.decode(errors="replace")


def _tail(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - size))
        return file.read(size)


def clear(place: Path, *, keep: int) -> None:
    """Drop a gone pod's directory but for its log, and the oldest logs beyond `keep` pods."""
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix != ".log":
            path.unlink()
    gone = [d for d in place.parent.iterdir() if not (d / "work").exists()]
    for old in sorted(gone, key=lambda d: d.stat().st_mtime)[: max(0, len(gone) - keep)]:
        shutil.rmtree(old)


async def read_log(
    path: Path, *, tail: int | None, is_over: Callable[[], bool] | None
) -> AsyncIterator[bytes]:
    """The content of a log; with `is_over`, whatever is appended until it says True."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
        except FileNotFoundError:
            return
        if tail is not None:
            _skip_to_last(file, tail)
        while True:
            over = is_over is None or is_over()
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
            if over:
                return
            await asyncio.sleep(_FOLLOW_EVERY_S)


def _skip_to_last(file: Any, lines: int) -> None:
    content = file.read()
    kept = b"".join(content.splitlines(keepends=True)[-lines:]) if lines else b""
    file.seek(len(content) - len(kept))
