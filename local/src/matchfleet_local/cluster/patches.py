"""The three patches of the API: JSON merge, JSON patch and strategic merge.

Each takes the stored object and returns a new one; the stored one is never changed, so a
refused patch leaves nothing behind. Strategic merge knows the list keys of the core kinds used
here (`_MERGE_KEYS`); lists it does not know are replaced, which is also the API's default.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonpatch
from jsonpatch import JsonPatchException
from jsonpointer import JsonPointerException

from matchfleet_local.cluster import errors

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

# Parent field -> key by which its list of objects is merged (`patchMergeKey` in the API types).
_MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "podIPs": "ip",
    "ports": "containerPort",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_SET_LISTS = frozenset({"finalizers"})


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as it arrived: its media type and its decoded body."""

    type: str
    body: Any


def apply(patch: Patch, target: Mapping[str, Any]) -> dict[str, Any]:
    """The target with the patch applied.

    Raises:
        BadRequest: the body is not a patch of its type.
        Unprocessable: a JSON patch operation, a `test` among them, does not hold.
        UnsupportedMediaType: a type that is not served.
    """
    if patch.type == JSON:
        return _json(patch.body, target)
    if patch.type not in {MERGE, STRATEGIC}:
        raise errors.UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {MERGE}, {STRATEGIC}"
        )
    if not isinstance(patch.body, Mapping):
        raise errors.BadRequest(f"a {patch.type} body must be an object")
    merged = merge(target, patch.body) if patch.type == MERGE else strategic(target, patch.body)
    return dict(merged)


def _json(body: Any, target: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(body, list):
        raise errors.BadRequest("a JSON patch must be a list of operations")
    try:
        patched = jsonpatch.JsonPatch(body).apply(dict(target), in_place=False)
    except (JsonPatchException, JsonPointerException, KeyError, TypeError) as error:
        raise errors.Unprocessable(
            "the server rejected our request due to an error in our request"
        ) from error
    if not isinstance(patched, dict):
        raise errors.BadRequest("a JSON patch must leave an object")
    return patched


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Kubernetes strategic merge of one object, directives included."""
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result: dict[str, Any] = dict(target) if isinstance(target, Mapping) else {}
    if "$retainKeys" in patch:
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if not key.startswith("$"):
            _strategic_field(result, key, value)
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = [item for item in result.get(field) or () if item not in value]
    for key, value in patch.items():
        if key.startswith("$setElementOrder/"):
            field = key.partition("/")[2]
            if field in result:
                result[field] = _ordered(result[field], value, _MERGE_KEYS.get(field))
    return result


def _strategic_field(result: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, Mapping):
        result[key] = strategic(result.get(key), value)
    elif isinstance(value, list) and key in _MERGE_KEYS:
        result[key] = _strategic_list(result.get(key) or [], value, _MERGE_KEYS[key])
    elif isinstance(value, list) and key in _SET_LISTS:
        present = list(result.get(key) or [])
        result[key] = present + [item for item in value if item not in present]
    else:
        result[key] = copy.deepcopy(value)


def _strategic_list(target: Sequence[Any], patch: Sequence[Any], merge_key: str) -> list[Any]:
    if any(isinstance(item, Mapping) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    result = list(target)
    for item in patch:
        if not isinstance(item, Mapping) or merge_key not in item:
            raise errors.BadRequest(f"map: {item} does not contain declared merge key: {merge_key}")
        found = [i for i, old in enumerate(result) if old.get(merge_key) == item[merge_key]]
        if item.get("$patch") == "delete":
            result = [old for i, old in enumerate(result) if i not in found]
        elif found:
            result[found[0]] = strategic(result[found[0]], item)
        else:
            result.append(strategic({}, item))
    return result


def _ordered(items: Sequence[Any], order: Sequence[Any], merge_key: str | None) -> list[Any]:
    """Listed items in the order asked for; items it does not name keep their place at the end."""

    def key_of(item: Any) -> Any:
        return item.get(merge_key) if merge_key and isinstance(item, Mapping) else item

    wanted = [key_of(item) for item in order]
    ranks = {value: rank for rank, value in enumerate(wanted) if isinstance(value, str | int)}
    return sorted(items, key=lambda item: ranks.get(key_of(item), len(wanted)))
