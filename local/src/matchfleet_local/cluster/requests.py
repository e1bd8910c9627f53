"""What may be asked of the store, and what it answers: plain values, no HTTP in them."""

import enum
from dataclasses import dataclass, field
from typing import Any

from matchfleet_local.cluster import selection
from matchfleet_local.cluster.history import Change
from matchfleet_local.cluster.kinds import Kind
from matchfleet_local.cluster.patches import Patch


class FieldValidation(enum.StrEnum):
    """What to do with fields the schema does not name."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


class Propagation(enum.StrEnum):
    """What happens to the objects an object owns."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Ref:
    """One object by its place. `namespace` is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    @property
    def details(self) -> dict[str, Any]:
        """How a Status names the object."""
        group = {"group": self.kind.group} if self.kind.group else {}
        return {"name": self.name, "kind": self.kind.plural, **group}


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Query parameters common to all writes."""

    dry_run: bool = False
    field_validation: FieldValidation = FieldValidation.WARN


@dataclass(frozen=True, slots=True)
class Create:
    """POST to a collection."""

    kind: Kind
    namespace: str
    body: dict[str, Any]
    options: WriteOptions = field(default=WriteOptions())


@dataclass(frozen=True, slots=True)
class Get:
    """GET of one object, or of its `scale` or `status` view."""

    ref: Ref
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class List:
    """GET of a collection; an empty namespace means all namespaces."""

    kind: Kind
    namespace: str = ""
    selector: selection.Selector = selection.ALL


@dataclass(frozen=True, slots=True)
class Replace:
    """PUT of one object or of one of its subresources."""

    ref: Ref
    body: dict[str, Any]
    subresource: str = ""
    options: WriteOptions = field(default=WriteOptions())


@dataclass(frozen=True, slots=True)
class Amend:
    """PATCH of one object or of one of its subresources."""

    ref: Ref
    patch: Patch
    subresource: str = ""
    options: WriteOptions = field(default=WriteOptions())


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """The body and query of a DELETE.

    Attributes:
        grace_s: seconds a pod may take; None leaves it to the pod, 0 removes it at once.
    """

    grace_s: int | None = None
    propagation: Propagation = Propagation.BACKGROUND
    uid: str = ""
    version: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE of one object."""

    ref: Ref
    options: DeleteOptions = field(default=DeleteOptions())


@dataclass(frozen=True, slots=True)
class DeleteCollection:
    """DELETE of everything selected in a collection."""

    kind: Kind
    namespace: str
    selector: selection.Selector = selection.ALL
    options: DeleteOptions = field(default=DeleteOptions())


Request = Create | Get | List | Replace | Amend | Delete | DeleteCollection


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer.

    Attributes:
        items: the objects of a list, for table and metadata views; None when it is no list.
    """

    code: int
    body: dict[str, Any]
    items: tuple[dict[str, Any], ...] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, and what changed in the store, oldest first."""

    reply: Reply
    changes: tuple[Change, ...] = ()
