"""What each kind does to an object between the client and the store.

One `Admission` per kind: it fills in defaults, drops what may not be there, keeps the status out
of the main endpoint (and everything else out of the status endpoint), and names what is wrong.
The store knows only this interface.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from matchfleet_local.cluster import definitions, kinds, podspec, rules, schema
from matchfleet_local.cluster.errors import Cause


@dataclass(frozen=True, slots=True)
class Admitted:
    """An object ready to be stored, unless `causes` says why not.

    Attributes:
        unknown: paths of fields that were dropped because the kind has none of that name.
    """

    obj: dict[str, Any]
    causes: tuple[Cause, ...] = ()
    unknown: tuple[str, ...] = ()


class Admission(Protocol):
    """The rules of one kind. `now` is the API's text of the moment."""

    def create(self, obj: dict[str, Any], now: str) -> Admitted:
        """Judge a new object."""

    def update(self, new: dict[str, Any], old: dict[str, Any], *, subresource: str) -> Admitted:
        """Judge an update through the main endpoint ("") or a subresource."""


def _split(
    new: dict[str, Any], old: Mapping[str, Any], *, subresource: str, has_status: bool
) -> dict[str, Any]:
    """The update restricted to what its endpoint may change."""
    if not has_status:
        return new
    if subresource == "status":
        changed = {**old, "metadata": new["metadata"]}
        changed.pop("status", None)
        return changed | ({"status": new["status"]} if new.get("status") is not None else {})
    kept = {key: value for key, value in new.items() if key != "status"}
    return kept | ({"status": old["status"]} if "status" in old else {})


@dataclass(frozen=True, slots=True)
class PlainAdmission:
    """Built-in kinds without rules of their own here."""

    kind: kinds.Kind

    def create(self, obj: dict[str, Any], now: str) -> Admitted:
        """Secrets take `stringData`; everything else is stored as it came."""
        del now
        return Admitted(_decoded_secret(obj) if self.kind == kinds.SECRETS else obj)

    def update(self, new: dict[str, Any], old: dict[str, Any], *, subresource: str) -> Admitted:
        """Immutable config stays, the status has its own endpoint."""
        has_status = self.kind.status
        changed = _split(new, old, subresource=subresource, has_status=has_status)
        if self.kind == kinds.SECRETS:
            changed = _decoded_secret(changed)
        return Admitted(changed, causes=_immutable_data(changed, old))


def _decoded_secret(obj: dict[str, Any]) -> dict[str, Any]:
    plain = obj.get("stringData") or {}
    if "stringData" not in obj:
        return {"type": "Opaque", **obj}
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
    rest = {key: value for key, value in obj.items() if key != "stringData"}
    return {"type": "Opaque", **rest, "data": (obj.get("data") or {}) | encoded}


def _immutable_data(new: Mapping[str, Any], old: Mapping[str, Any]) -> tuple[Cause, ...]:
    if old.get("immutable") is not True or new.get("data") == old.get("data"):
        return ()
    message = "Forbidden: field is immutable when `immutable` is set"
    return (Cause("data", "FieldValueForbidden", message),)


@dataclass(frozen=True, slots=True)
class NamespaceAdmission:
    """Namespaces are held by a finalizer of their own until they are empty."""

    def create(self, obj: dict[str, Any], now: str) -> Admitted:
        """Label it with its name and hold it."""
        del now
        metadata = obj["metadata"]
        labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
        return Admitted(
            {
                **obj,
                "metadata": {**metadata, "labels": labels},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            }
        )

    def update(self, new: dict[str, Any], old: dict[str, Any], *, subresource: str) -> Admitted:
        """Only `finalize` changes the spec, only `status` the status."""
        if subresource == "finalize":
            return Admitted({**old, "metadata": new["metadata"], "spec": new.get("spec") or {}})
        changed = _split(new, old, subresource=subresource, has_status=True)
        return Admitted({**changed, "spec": old["spec"]})


@dataclass(frozen=True, slots=True)
class PodAdmission:
    """Pods: defaults, rules, and a spec that hardly changes."""

    def create(self, obj: dict[str, Any], now: str) -> Admitted:
        """A new pod is Pending, whatever its client says."""
        del now
        pod = podspec.defaulted(obj)
        causes = podspec.check(pod)
        return Admitted({**pod, "status": podspec.first_status(pod)}, causes=causes)

    def update(self, new: dict[str, Any], old: dict[str, Any], *, subresource: str) -> Admitted:
        """`status` changes the status, `binding` the node, the rest almost nothing."""
        if subresource == "binding":
            return Admitted({**old, "spec": new["spec"], "status": new["status"]})
        pod = _split(podspec.defaulted(new), old, subresource=subresource, has_status=True)
        return Admitted(pod, causes=podspec.check_update(pod, old))


@dataclass(frozen=True, slots=True)
class DefinitionAdmission:
    """CustomResourceDefinitions: served as soon as they are stored."""

    def create(self, obj: dict[str, Any], now: str) -> Admitted:
        """Check it and mark it established."""
        definition = definitions.defaulted(obj)
        causes = definitions.check(definition)
        if causes:
            return Admitted(definition, causes=causes)
        return Admitted({**definition, "status": definitions.established(definition, now)})

    def update(self, new: dict[str, Any], old: dict[str, Any], *, subresource: str) -> Admitted:
        """The status is the server's."""
        definition = definitions.defaulted(
            _split(new, old, subresource=subresource, has_status=True)
        )
        return Admitted(definition, causes=definitions.check(definition))


@dataclass(frozen=True, slots=True)
class CustomAdmission:
    """Custom resources: the structural schema and its CEL rules."""

    kind: kinds.Kind
    schema: Mapping[str, Any]
    rules: rules.Rules

    def create(self, obj: dict[str, Any], now: str) -> Admitted:
        """The status of a new object is dropped where it has an endpoint of its own."""
        del now
        given = {k: v for k, v in obj.items() if k != "status"} if self.kind.status else obj
        return self._admit(given, None)

    def update(self, new: dict[str, Any], old: dict[str, Any], *, subresource: str) -> Admitted:
        """Through `status`, the metadata stays as it was, too."""
        changed = _split(new, old, subresource=subresource, has_status=self.kind.status)
        if subresource == "status":
            changed = {**changed, "metadata": old["metadata"]}
        return self._admit(changed, old)

    def _admit(self, obj: dict[str, Any], old: dict[str, Any] | None) -> Admitted:
        pruned, unknown = schema.prune(obj, self.schema)
        full = schema.default(pruned, self.schema)
        causes = schema.validate(full, self.schema)
        if not any(cause.reason in rules.BLOCKING for cause in causes):
            causes += rules.check(self.rules, full, old)
        elif self.rules.compiled:
            causes += (rules.NOT_CHECKED,)
        return Admitted(full, causes=causes, unknown=unknown)


def for_kind(kind: kinds.Kind) -> Admission:
    """The rules of a kind."""
    if kind.schema is not None:
        return CustomAdmission(kind, kind.schema, rules.compile_rules(kind.schema))
    special: dict[kinds.Kind, Admission] = {
        kinds.NAMESPACES: NamespaceAdmission(),
        kinds.PODS: PodAdmission(),
        kinds.CRDS: DefinitionAdmission(),
    }
    return special.get(kind, PlainAdmission(kind))
