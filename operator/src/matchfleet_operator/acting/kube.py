"""The port through which the operator reads and writes Kubernetes objects, one namespace of them.

`client` is the real adapter, `testing.api` the one in memory; both follow the same tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from matchfleet_contracts.resources import GROUP, VERSION

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource of the API: where it lives, and what it is called there."""

    path: str
    plural: str
    is_namespaced: bool = True


MATCHES = Kind(f"apis/{GROUP}/{VERSION}", "matches")
FLEETS = Kind(f"apis/{GROUP}/{VERSION}", "fleets")
PODS = Kind("api/v1", "pods")
CONTROLLER_REVISIONS = Kind("apis/apps/v1", "controllerrevisions")
EVENTS = Kind("apis/events.k8s.io/v1", "events")
LEASES = Kind("apis/coordination.k8s.io/v1", "leases")
NODES = Kind("api/v1", "nodes", is_namespaced=False)
NAMESPACES = Kind("api/v1", "namespaces", is_namespaced=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind at one version."""

    items: Sequence[Object]
    version: int


class KubeApi(Protocol):
    """What the operator asks of an API server. Every call raises an `errors.ApiError`."""

    async def get(self, kind: Kind, name: str) -> Object:
        """The object as it is now: never an older state."""
        ...

    async def list_all(self, kind: Kind, *, selector: str = "") -> Listing:
        """All objects as they are now: never an older state."""
        ...

    async def create(self, kind: Kind, body: Object) -> Object:
        """Creates an object and returns it."""
        ...

    async def patch(self, kind: Kind, name: str, body: Object, *, part: str = "") -> Object:
        """Merges `body` into an object, or into its `part` (`status`), and returns it.

        uid and resourceVersion in the body's metadata are preconditions.
        """
        ...

    async def delete(
        self,
        kind: Kind,
        name: str,
        *,
        uid: str,
        version: int | None = None,
        grace_s: int | None = None,
    ) -> Object | None:
        """Deletes exactly this incarnation; the object if it still has to stop, else None."""
        ...
