"""The code blocks of README.md, so that what a newcomer is told to run is what the tests run."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """The text of each block of that language, in order."""
    return [text for name, text in _BLOCK.findall(README.read_text()) if name == language]


def shell(verb: str) -> str:
    """The one shell block that begins with these words."""
    found = [block for block in blocks("sh") if block.startswith(verb)]
    assert len(found) == 1, f"README.md has {len(found)} shell blocks that begin with {verb!r}"
    return found[0]


def languages() -> set[str]:
    """The language of every block."""
    return {name for name, _ in _BLOCK.findall(README.read_text())}
