"""How the command shows what it found: a table for people, or one JSON object for programs."""

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import rich.console
import rich.table

from matchfleet_client import models


def as_json(value: Any) -> None:
    """One line of JSON on stdout."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def show(
    value: Any, rows: Sequence[Sequence[str]], columns: Sequence[str], *, is_json: bool
) -> None:
    """The rows as a table, or the value as JSON."""
    if is_json:
        as_json(value)
        return
    table = rich.table.Table(*columns, box=None)
    for row in rows:
        table.add_row(*row)
    rich.console.Console(highlight=False).print(table)


def audit(found: models.Audit) -> None:
    """Each check on a line, what violates it below, and the verdict last."""
    for line in audit_lines(found):
        sys.stdout.write(f"{line}\n")


def audit_lines(found: models.Audit) -> list[str]:
    """What `audit` prints."""
    lines: list[str] = []
    for check in found.checks:
        lines.append(f"{'ok  ' if check.ok else 'FAIL'} {check.invariant:<4} {check.title}")
        lines.extend(f"          {violation}" for violation in check.violations)
    verdict = "clean" if found.ok else "not clean: what is listed under FAIL must never be so"
    return [*lines, verdict]
