"""Generates the Python of `proto/` into contracts: `python proto/generate.py [directory]`.

The .proto source keeps its own package; the mapped include path makes protoc name the modules after
the folder they land in, so that their imports of one another are absolute.
"""

import importlib.resources
import sys
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).parent
OUT = ROOT.parent / "contracts" / "src"
SOURCES = {"matchfleet/bot/v1": "matchfleet_contracts/botv1"}
PLUGINS = ("mypy", "mypy_grpc")
DOCSTRING = '"""Generated from proto/ by proto/generate.py: matchfleet.bot.v1."""\n'


def generate(out: Path) -> None:
    """Write the modules of every source below `out`.

    Raises:
        RuntimeError: protoc refused; its reasons are on standard error.
    """
    well_known = str(importlib.resources.files("grpc_tools") / "_proto")
    for source, target in SOURCES.items():
        package = out / target
        package.mkdir(parents=True, exist_ok=True)
        files = [f"{target}/{path.name}" for path in sorted((ROOT / source).glob("*.proto"))]
        includes = [f"-I{target}={ROOT / source}", f"-I{well_known}"]
        outputs = [f"--{kind}_out={out}" for kind in ("python", "grpc_python", *PLUGINS)]
        arguments = [*includes, *_plugins(), *outputs, *files]
        if protoc.main(["protoc", *arguments]) != 0:
            raise RuntimeError(f"protoc refused {source}")
        (package / "__init__.py").write_text(DOCSTRING)


def _plugins() -> list[str]:
    """mypy-protobuf's plugins, from beside this Python: it may not be on the PATH."""
    scripts = Path(sys.executable).parent
    return [f"--plugin=protoc-gen-{name}={scripts / f'protoc-gen-{name}'}" for name in PLUGINS]


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
