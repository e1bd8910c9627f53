"""The resources' schema in crds/ and the types in contracts say the same."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from matchfleet_contracts import resources

CRDS = Path(__file__).parents[2] / "crds"


def schema_of(file: str, *path: str) -> dict[str, Any]:
    crd = yaml.safe_load((CRDS / file).read_text())
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in path:
        schema = schema["items"] if part == "[]" else schema["properties"][part]
    return schema


STRUCTS = [
    pytest.param(resources.MatchSpec, ("spec",), id="spec"),
    pytest.param(resources.Limits, ("spec", "limits"), id="limits"),
    pytest.param(resources.RosterEntry, ("spec", "players", "[]"), id="players"),
    pytest.param(resources.Server, ("status", "server"), id="server"),
]


@pytest.mark.parametrize(("struct", "path"), STRUCTS)
def test_a_type_has_the_fields_of_its_schema(
    struct: type[msgspec.Struct], path: tuple[str]
) -> None:
    schema = schema_of("matches.yaml", *path)
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    assert set(fields) == set(schema["properties"])
    assert {n for n, f in fields.items() if f.required} == set(schema.get("required", ()))


@pytest.mark.parametrize(("struct", "path"), STRUCTS)
def test_a_type_has_the_defaults_of_its_schema(
    struct: type[msgspec.Struct], path: tuple[str]
) -> None:
    declared = {
        name: field["default"]
        for name, field in schema_of("matches.yaml", *path)["properties"].items()
        if "default" in field and field["type"] != "object"
    }
    defaults = {f.encode_name: f.default for f in msgspec.structs.fields(struct)}
    assert declared == {name: defaults[name] for name in declared}


@pytest.mark.parametrize(
    ("enum", "file", "path"),
    [
        pytest.param(resources.Phase, "matches.yaml", ("status", "phase"), id="phase"),
        pytest.param(resources.Desired, "matches.yaml", ("spec", "desired"), id="desired"),
        pytest.param(
            resources.PlayerKind, "matches.yaml", ("spec", "players", "[]", "kind"), id="kind"
        ),
        pytest.param(resources.ExposeType, "fleets.yaml", ("spec", "expose", "type"), id="expose"),
    ],
)
def test_an_enum_has_the_values_of_its_schema(enum: Any, file: str, path: tuple[str]) -> None:
    assert [member.value for member in enum] == schema_of(file, *path)["enum"]


@pytest.mark.parametrize("file", ["matches.yaml", "fleets.yaml"])
def test_a_resource_is_of_the_one_group_and_version(file: str) -> None:
    crd = yaml.safe_load((CRDS / file).read_text())["spec"]
    assert (crd["group"], [v["name"] for v in crd["versions"]]) == (
        resources.GROUP,
        [resources.VERSION],
    )


@pytest.mark.parametrize("file", ["matches.yaml", "fleets.yaml"])
def test_every_list_map_and_text_is_bounded(file: str) -> None:
    """Unbounded values make the API server refuse CEL rules, and fill etcd."""

    def unbounded(schema: dict[str, Any], at: str) -> list[str]:
        found = []
        if schema.get("type") == "array" and "maxItems" not in schema:
            found.append(at)
        if "additionalProperties" in schema and "maxProperties" not in schema:
            found.append(at)
        bounds = {"maxLength", "enum", "format", "pattern"}
        if schema.get("type") == "string" and not bounds & set(schema):
            found.append(at)
        for name, child in schema.get("properties", {}).items():
            found += unbounded(child, f"{at}.{name}")
        if "items" in schema:
            found += unbounded(schema["items"], f"{at}[]")
        return found

    top = {".apiVersion", ".kind"}
    assert set(unbounded(schema_of(file), "")) <= top
