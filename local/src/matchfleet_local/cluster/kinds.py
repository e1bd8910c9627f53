"""Which kinds the cluster knows and what the API says about each.

A kind is data: adding one is one line of `BUILT_IN` or one CustomResourceDefinition. Two kinds
may share one storage (`Event` of the core group and of `events.k8s.io` are one thing seen twice).
"""

from dataclasses import dataclass, field
from typing import Any, NewType

StorageKey = NewType("StorageKey", str)

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """One printer column.

    Attributes:
        path: the JSONPath of a CRD column, such as `.status.phase`; empty for built-in cells.
        priority: 0 is always shown, more only by `-o wide`.
    """

    name: str
    type: str
    path: str = ""
    description: str = ""
    priority: int = 0
    format: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the scale subresource finds its numbers, as paths of keys."""

    spec_path: tuple[str, ...]
    status_path: tuple[str, ...]
    selector_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type as the API serves it.

    Attributes:
        schema: the structural schema of a custom resource, None for built-in kinds.
        unconditional_update: whether a PUT without resourceVersion is taken.
        has_generation: whether the server counts changes of the spec.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False
    scale: Scale | None = None
    schema: dict[str, Any] | None = field(default=None, hash=False, compare=False)
    columns: tuple[Column, ...] = ()
    selectable: tuple[str, ...] = ()
    unconditional_update: bool = True
    has_generation: bool = False
    storage: StorageKey = StorageKey("")

    @property
    def key(self) -> StorageKey:
        """The storage shared by all views of the kind."""
        return self.storage or StorageKey(
            f"{self.plural}.{self.group}" if self.group else self.plural
        )

    @property
    def api_version(self) -> str:
        """`v1` or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`matches.matchfleet.dev`: the name used in messages."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def is_custom(self) -> bool:
        """True for kinds that came from a CustomResourceDefinition."""
        return self.schema is not None


NAMESPACES = Kind(
    "", "v1", "Namespace", "namespaces", "namespace",
    namespaced=False, short_names=("ns",), status=True,
)  # fmt: skip
NODES = Kind("", "v1", "Node", "nodes", "node", namespaced=False, short_names=("no",), status=True)
PODS = Kind(
    "", "v1", "Pod", "pods", "pod",
    short_names=("po",), categories=("all",), status=True, has_generation=True,
    selectable=("spec.nodeName", "status.phase", "spec.restartPolicy", "status.podIP"),
)  # fmt: skip
CORE_EVENTS = Kind(
    "", "v1", "Event", "events", "event",
    short_names=("ev",), storage=StorageKey("events"),
    selectable=(
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "reason", "type",
        "reportingComponent", "source",
    ),
)  # fmt: skip
EVENTS = Kind(
    "events.k8s.io", "v1", "Event", "events", "event",
    short_names=("ev",), storage=StorageKey("events"),
    selectable=(
        "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
        "reason", "type", "reportingController",
    ),
)  # fmt: skip
SECRETS = Kind("", "v1", "Secret", "secrets", "secret", selectable=("type",))
CONFIG_MAPS = Kind("", "v1", "ConfigMap", "configmaps", "configmap", short_names=("cm",))
SERVICES = Kind(
    "", "v1", "Service", "services", "service",
    short_names=("svc",), categories=("all",), status=True,
)  # fmt: skip
SERVICE_ACCOUNTS = Kind(
    "", "v1", "ServiceAccount", "serviceaccounts", "serviceaccount", short_names=("sa",)
)
LEASES = Kind("coordination.k8s.io", "v1", "Lease", "leases", "lease", unconditional_update=False)
CONTROLLER_REVISIONS = Kind(
    "apps", "v1", "ControllerRevision", "controllerrevisions", "controllerrevision"
)
DISRUPTION_BUDGETS = Kind(
    "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "poddisruptionbudget",
    short_names=("pdb",), status=True, has_generation=True,
)  # fmt: skip
CRDS = Kind(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
    "customresourcedefinition", namespaced=False, short_names=("crd", "crds"),
    categories=("api-extensions",), status=True, has_generation=True, unconditional_update=False,
)  # fmt: skip

BUILT_IN = (
    NAMESPACES, NODES, PODS, CORE_EVENTS, EVENTS, SECRETS, CONFIG_MAPS, SERVICES,
    SERVICE_ACCOUNTS, LEASES, CONTROLLER_REVISIONS, DISRUPTION_BUDGETS, CRDS,
)  # fmt: skip


class Kinds:
    """The kinds served now; custom ones come and go with their definitions."""

    def __init__(self, built_in: tuple[Kind, ...] = BUILT_IN) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        for kind in built_in:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Serve a kind, replacing an older form of it."""
        self._kinds[kind.group, kind.version, kind.plural] = kind

    def drop(self, group: str, plural: str) -> None:
        """Stop serving every version of a kind."""
        for key in [k for k in self._kinds if k[0] == group and k[2] == plural]:
            del self._kinds[key]

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind at a URL, or None."""
        return self._kinds.get((group, version, plural))

    def all(self) -> tuple[Kind, ...]:
        """Every kind, in the order of their addition."""
        return tuple(self._kinds.values())


def _path(dotted: str) -> tuple[str, ...]:
    return tuple(part for part in dotted.split(".") if part)


def from_definition(definition: dict[str, Any]) -> tuple[Kind, ...]:
    """The kinds that a CustomResourceDefinition serves, one per served version."""
    spec = definition["spec"]
    names = spec["names"]
    return tuple(
        _from_version(spec, names, version)
        for version in spec["versions"]
        if version.get("served", True)
    )


def _from_version(spec: dict[str, Any], names: dict[str, Any], version: dict[str, Any]) -> Kind:
    subresources = version.get("subresources") or {}
    scale = subresources.get("scale")
    return Kind(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=spec.get("scope", "Namespaced") == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        status="status" in subresources,
        scale=scale
        and Scale(
            spec_path=_path(scale["specReplicasPath"]),
            status_path=_path(scale["statusReplicasPath"]),
            selector_path=_path(scale.get("labelSelectorPath") or ""),
        ),
        schema=(version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"},
        columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
        selectable=tuple(f["jsonPath"].lstrip(".") for f in version.get("selectableFields") or ()),
        unconditional_update=False,
        has_generation=True,
    )


def _column(column: dict[str, Any]) -> Column:
    return Column(
        name=column["name"],
        type=column["type"],
        path=column["jsonPath"],
        description=column.get("description") or "",
        priority=int(column.get("priority") or 0),
        format=column.get("format") or "",
    )
