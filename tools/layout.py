"""Checks of the tree that no linter makes: names that would shadow, and words that do not belong.

A top-level folder with an `__init__.py` becomes a package that shadows others: `operator/` would
replace the standard library's module and end every Python process started in the root.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED_PACKAGES = {"tools"}


def shadowing(root: Path) -> list[str]:
    """Sentences about packages that would shadow a module of another name."""
    top = [
        f"{p.parent.name}/__init__.py makes a top-level package: remove it"
        for p in root.glob("*/__init__.py")
        if p.parent.name not in ALLOWED_PACKAGES
    ]
    tests = [
        f"{p.relative_to(root)}: tests are no packages (pytest imports them by path): remove it"
        for p in (root / "tests").rglob("__init__.py")
        # What tests share is imported by name.
        if root / "tests" / "plugins" not in p.parents
    ]
    stdlib = [
        f"{p.relative_to(root)}: no folder is called {p.name}"
        for name in ("operator", "platform", "types", "queue")
        for p in (root / "tests" / "unit").rglob(name)
        if p.is_dir()
    ]
    return top + tests + stdlib


def stdlib_is_itself(root: Path) -> list[str]:
    """Whether `import operator` from the root finds the standard library."""
    found = subprocess.run(
        [sys.executable, "-c", "import operator; print(operator.__file__)"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return [] if not found.startswith(str(root)) else [f"`import operator` finds {found}"]


def main() -> int:
    """Prints each finding; 1 when there is one."""
    findings = shadowing(ROOT) + stdlib_is_itself(ROOT)
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
