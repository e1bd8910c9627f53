"""Reads off a request what it asks of the API server, and who asks."""

from dataclasses import dataclass

from aiohttp import web

OURS = "matchfleet-operator"
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "patch"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    verb: create, patch, delete, get, audit (a list by our client), list and watch (by kopf), other.
    resource: the plural of what it is about; empty if it is about no object of the namespace.
    bearer: whose it is; every operator process of a plan has a token of its own.
    """

    verb: str
    resource: str
    bearer: str

    @property
    def kind(self) -> str:
        """What points call it."""
        return f"{self.verb}-{self.resource}"


def of(request: web.Request) -> Call:
    """The call that a request is."""
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    _, found, rest = request.path.partition("/namespaces/")
    parts = rest.split("/")[1:]
    if request.query.get("watch") == "true":
        return Call("watch", parts[0] if parts else request.path.rpartition("/")[2], bearer)
    if not found or not parts:
        return Call("other", "", bearer)
    return Call(_verb(request, is_named=len(parts) > 1), parts[0], bearer)


def _verb(request: web.Request, *, is_named: bool) -> str:
    if request.method != "GET":
        return _VERBS[request.method]
    if is_named:
        return "get"
    return "audit" if request.headers.get("User-Agent") == OURS else "list"
