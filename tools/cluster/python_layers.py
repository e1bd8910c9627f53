"""The Python halves of our images: locked dependencies as one layer, our source as another.

The lock file decides: uv exports the pinned requirements of the packages that an image carries
and installs their wheels for CPython 3.13, on the host, so that no image needs pip or a compiler.
The layer is cached under a hash of those requirements; a change of our code never touches it.
"""

import os
import platform
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.cluster import commands, digests, errors, places, versions

EXPORT_TIMEOUT_S = 120
INSTALL_TIMEOUT_S = 1200
# Test suites and sources of headers that libraries ship: never imported in an image.
_UNNEEDED = ("numpy/**/tests", "numpy/_core/include", "bin", "**/__pycache__")


def requirements(packages: Iterable[str]) -> str:
    """The pinned, hashed third-party requirements of our packages, from the lock file.

    Raises:
        CommandFailed: The lock file does not fit the packages; `uv lock` makes it anew.
    """
    chosen = [word for package in packages for word in ("--package", f"matchfleet-{package}")]
    return commands.run(
        [
            *(uv(), "export", "--frozen", "--no-dev", "--no-emit-workspace", "--no-header", "-q"),
            *("--no-annotate", *chosen),
        ],
        cwd=places.REPO,
        timeout_s=EXPORT_TIMEOUT_S,
    )


def layer_key(pinned: str) -> str:
    """What makes an installed layer fresh."""
    return digests.digest([pinned, versions.PYTHON, _platform(), *_UNNEEDED])


def ensure_layer(pinned: str, *, where: places.Places) -> Path:
    """Installs the requirements into a folder of their own unless that was done.

    Returns:
        A folder that holds `site-packages/`.
    """
    layer = where.images / "python" / layer_key(pinned)
    if layer.exists():
        return layer
    partial = layer.with_name(f"{layer.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    target = partial / "site-packages"
    target.mkdir(parents=True)
    listing = partial / "requirements.txt"
    listing.write_text(pinned)
    commands.run(
        [
            *(uv(), "pip", "install", "-q", "--target", target, "--python-version"),
            *(versions.PYTHON, "--python-platform", _platform(), "--only-binary", ":all:"),
            *("--no-deps", "--require-hashes", "--link-mode", "copy", "-r", listing),
        ],
        timeout_s=INSTALL_TIMEOUT_S,
    )
    for pattern in _UNNEEDED:
        for folder in list(target.glob(pattern)):
            shutil.rmtree(folder, ignore_errors=True)
    partial.rename(layer)
    return layer


def source_roots(rooms: Iterable[str]) -> list[Path]:
    """The folders with the importable source of each room."""
    return [places.REPO / room / "src" for room in rooms]


def console_scripts(rooms: Iterable[str]) -> dict[str, str]:
    """Command name to `module:function`, as the rooms' manifests declare them."""
    scripts: dict[str, str] = {}
    for room in rooms:
        scripts |= _project(room).get("scripts", {})
    return scripts


def stage_source(rooms: Iterable[str], target: Path) -> None:
    """Copies our source and its metadata as an installation would lay them out."""
    for room in rooms:
        for package in sorted((places.REPO / room / "src").glob("matchfleet_*")):
            ignored = shutil.ignore_patterns(*digests.IGNORED, "*.pyc")
            shutil.copytree(package, target / package.name, ignore=ignored)
        project = _project(room)
        name, version = project["name"].replace("-", "_"), project["version"]
        metadata = target / f"{name}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n"
        )


def stage_scripts(rooms: Iterable[str], target: Path) -> None:
    """Writes the launchers of our commands."""
    for name, entry in console_scripts(rooms).items():
        module, _, function = entry.partition(":")
        launcher = target / name
        launcher.write_text(
            "#!/opt/matchfleet/bin/python\n"
            f"import sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"
        )
        launcher.chmod(0o755)


def uv() -> Path:
    """The uv of this checkout, else the host's.

    Raises:
        MissingPrerequisite: There is none.
    """
    found = commands.find("uv", extra=[places.REPO / ".tools" / "bin"])
    if found is None:
        raise errors.MissingPrerequisite("uv is missing: `make setup` installs it into .tools")
    return found


def _project(room: str) -> dict[str, Any]:
    manifest = (places.REPO / room / "pyproject.toml").read_text()
    project: dict[str, Any] = tomllib.loads(manifest)["project"]
    return project


def _platform() -> str:
    machine = os.environ.get("MATCHFLEET_IMAGE_MACHINE", platform.machine())
    return {"arm64": "aarch64"}.get(machine, machine) + "-manylinux_2_28"
