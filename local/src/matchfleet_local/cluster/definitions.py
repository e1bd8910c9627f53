"""CustomResourceDefinitions as objects: the checks on a definition and the status it gets.

The API server refuses a definition whose schema is not structural or whose CEL costs too much;
that stays with the real server. Here a definition must be complete enough to be served.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from matchfleet_local.cluster.errors import Cause


def defaulted(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with the API's defaults for names and conversion."""
    spec = dict(definition.get("spec") or {})
    names = dict(spec.get("names") or {})
    kind = names.get("kind", "")
    names = {"singular": kind.lower(), "listKind": f"{kind}List", **names}
    return {**definition, "spec": {"conversion": {"strategy": "None"}, **spec, "names": names}}


def check(definition: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What keeps a definition from being served."""
    return tuple(_broken(definition))


def _broken(definition: Mapping[str, Any]) -> Iterator[Cause]:
    spec = definition["spec"]
    names = spec["names"]
    for path, value in (
        ("spec.group", spec.get("group")),
        ("spec.names.plural", names.get("plural")),
        ("spec.names.kind", names.get("kind")),
        ("spec.scope", spec.get("scope")),
        ("spec.versions", spec.get("versions")),
    ):
        if not value:
            yield Cause(path, "FieldValueRequired", "Required value")
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if definition["metadata"]["name"] != wanted:
        yield Cause(
            "metadata.name",
            "FieldValueInvalid",
            f'Invalid value: "{definition["metadata"]["name"]}": must be spec.names.plural+"."'
            "+spec.group",
        )
    for index, version in enumerate(spec.get("versions") or ()):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            yield Cause(
                f"spec.versions[{index}].schema.openAPIV3Schema",
                "FieldValueRequired",
                "Required value: schemas are required",
            )
    if sum(bool(version.get("storage")) for version in spec.get("versions") or ()) != 1:
        yield Cause(
            "spec.versions",
            "FieldValueInvalid",
            "Invalid value: must have exactly one version marked as storage version",
        )


def established(definition: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The status of a definition that is served."""
    spec = definition["spec"]
    return {
        "acceptedNames": spec["names"],
        "conditions": [
            {
                "type": "NamesAccepted",
                "status": "True",
                "reason": "NoConflicts",
                "message": "no conflicts found",
                "lastTransitionTime": now,
            },
            {
                "type": "Established",
                "status": "True",
                "reason": "InitialNamesAccepted",
                "message": "the initial names have been accepted",
                "lastTransitionTime": now,
            },
        ],
        "storedVersions": [v["name"] for v in spec["versions"] if v.get("storage")],
    }
