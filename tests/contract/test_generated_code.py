"""The generated modules in the repository are those of the .proto sources."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_generated_code_is_what_the_sources_generate(tmp_path: Path) -> None:
    location = ROOT / "proto" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", location)
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.generate(tmp_path)
    fresh = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert fresh
    for path, content in fresh.items():
        stored = (ROOT / "contracts" / "src" / path).read_bytes()
        assert stored == content, f"{path} is stale: run python proto/generate.py"
