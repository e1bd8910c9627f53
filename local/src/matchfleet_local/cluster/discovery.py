"""What the API says about itself: groups, resources, versions, and enough OpenAPI for kubectl.

kubectl asks OpenAPI two things before an apply: whether the server checks unknown fields itself
(the `fieldValidation` parameter of each PATCH), and the schema for `kubectl explain`. Custom
kinds are described in full, built-in ones as objects of any shape.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from matchfleet_local.cluster import kinds
from matchfleet_local.cluster.kinds import Kind

SERVER_VERSION = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.0+matchfleet-local",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux",
}
_ACCESS_REVIEW = ("authorization.k8s.io", "v1")


def api_versions() -> dict[str, Any]:
    """The body of `/api`."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(served: Iterable[Kind]) -> dict[str, Any]:
    """The body of `/apis`."""
    groups = [group(name, served) for name in _versions(served) if name]
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {k: v for k, v in g.items() if k not in {"kind", "apiVersion"}} for g in groups if g
        ],
    }


def group(name: str, served: Iterable[Kind]) -> dict[str, Any] | None:
    """The body of `/apis/GROUP`, or None for an unknown group."""
    versions = _versions(served).get(name)
    if not versions:
        return None
    listed = [{"groupVersion": f"{name}/{v}", "version": v} for v in versions]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": listed,
        "preferredVersion": listed[0],
    }


def _versions(served: Iterable[Kind]) -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for kind in served:
        known = versions.setdefault(kind.group, [])
        if kind.version not in known:
            known.append(kind.version)
    versions.setdefault(_ACCESS_REVIEW[0], [_ACCESS_REVIEW[1]])
    return versions


def resource_list(name: str, version: str, served: Iterable[Kind]) -> dict[str, Any] | None:
    """The body of `/api/v1` or `/apis/GROUP/VERSION`, or None when there is no such version."""
    entries = [
        entry
        for kind in served
        if (kind.group, kind.version) == (name, version)
        for entry in _entries(kind)
    ]
    if (name, version) == _ACCESS_REVIEW:
        entries.append(
            {
                "name": "selfsubjectaccessreviews",
                "singularName": "selfsubjectaccessreview",
                "namespaced": False,
                "kind": "SelfSubjectAccessReview",
                "verbs": ["create"],
            }
        )
    if not entries:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": entries,
    }


def _entries(kind: Kind) -> Iterable[dict[str, Any]]:
    yield {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kinds.ALL_VERBS),
        **({"shortNames": list(kind.short_names)} if kind.short_names else {}),
        **({"categories": list(kind.categories)} if kind.categories else {}),
    }
    below = {"singularName": "", "namespaced": kind.namespaced}
    writable = {"kind": kind.kind, "verbs": ["get", "patch", "update"]}
    if kind.status:
        yield {"name": f"{kind.plural}/status", **below, **writable}
    if kind.scale is not None:
        yield {
            "name": f"{kind.plural}/scale",
            **below,
            "group": "autoscaling",
            "version": "v1",
            "kind": "Scale",
            "verbs": ["get", "patch", "update"],
        }
    if kind == kinds.PODS:
        yield {"name": "pods/log", **below, "kind": "Pod", "verbs": ["get"]}


def openapi_index(served: Iterable[Kind]) -> dict[str, Any]:
    """The body of `/openapi/v3`: one document per group and version."""
    served = tuple(served)
    paths = {}
    for name, version in dict.fromkeys((kind.group, kind.version) for kind in served):
        document = openapi(name, version, served)
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        path = _base(name, version).lstrip("/")
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest.upper()}"}
    return {"paths": paths}


def _base(name: str, version: str) -> str:
    return f"/apis/{name}/{version}" if name else f"/api/{version}"


def openapi(name: str, version: str, served: Iterable[Kind]) -> dict[str, Any]:
    """The OpenAPI document of one group and version."""
    chosen = [kind for kind in served if (kind.group, kind.version) == (name, version)]
    return {
        "openapi": "3.0.0",
        "info": {"title": "matchfleet local cluster", "version": SERVER_VERSION["gitVersion"]},
        "paths": {path: item for kind in chosen for path, item in _operations(kind)},
        "components": {"schemas": {_schema_name(kind): _schema(kind) for kind in chosen}},
    }


def _schema_name(kind: Kind) -> str:
    domain = ".".join(reversed((kind.group or "core.api.k8s.io").split(".")))
    return f"{domain}.{kind.version}.{kind.kind}"


def _schema(kind: Kind) -> dict[str, Any]:
    own = kind.schema or {"type": "object"}
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    return {
        **own,
        "properties": {**(own.get("properties") or {}), **properties},
        "x-kubernetes-group-version-kind": [_gvk(kind)],
    }


def _gvk(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _operations(kind: Kind) -> Iterable[tuple[str, dict[str, Any]]]:
    base = _base(kind.group, kind.version)
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    collection = f"{base}{scope}/{kind.plural}"
    yield collection, {"get": _operation(kind, "list"), "post": _operation(kind, "post")}
    yield (
        f"{collection}/{{name}}",
        {
            "get": _operation(kind, "get"),
            "put": _operation(kind, "put"),
            "patch": _operation(kind, "patch"),
            "delete": _operation(kind, "delete"),
        },
    )


def _operation(kind: Kind, action: str) -> dict[str, Any]:
    names = (
        ["dryRun", "fieldManager", "fieldValidation"] if action in {"post", "put", "patch"} else []
    )
    reference = {"$ref": f"#/components/schemas/{_schema_name(kind)}"}
    return {
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in names
        ],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": reference}}}
        },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk(kind),
    }
