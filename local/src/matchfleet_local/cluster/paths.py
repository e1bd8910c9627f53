"""What a URL path of the API points at: `/api/v1/...` and `/apis/GROUP/VERSION/...`."""

from dataclasses import dataclass

_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


@dataclass(frozen=True, slots=True)
class Target:
    """A collection, an object or a subresource.

    Attributes:
        namespace: empty for cluster scope and for "all namespaces".
        name: empty for a collection.
        subresource: empty for the object itself.
    """

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def parse(path: str) -> Target | None:
    """The target of a path, or None when it is no resource path."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) >= 3:
        return _resource("", parts[1], parts[2:])
    if parts[:1] == ["apis"] and len(parts) >= 4:
        return _resource(parts[1], parts[2], parts[3:])
    return None


def _resource(group: str, version: str, parts: list[str]) -> Target | None:
    namespace = ""
    is_namespaced = parts[0] == "namespaces" and len(parts) > 2
    if is_namespaced and not (len(parts) == 3 and parts[2] in _NAMESPACE_SUBRESOURCES):
        namespace, parts = parts[1], parts[2:]
    if len(parts) > 3:
        return None
    plural, name, subresource = (*parts, "", "")[:3]
    return Target(group, version, plural, namespace, name, subresource)
