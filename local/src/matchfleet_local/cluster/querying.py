"""Reads query strings and headers into the values the store takes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchfleet_local.cluster import errors, requests, selection, views
from matchfleet_local.cluster.kinds import Kind
from matchfleet_local.cluster.watching import Watch

Query = Mapping[str, str]

_DEFAULT_WATCH_S = 1800.0


@dataclass(frozen=True, slots=True)
class Form:
    """How the client wants its answer.

    Attributes:
        shape: empty for plain objects, else `Table` or `PartialObjectMetadata`.
    """

    shape: str = ""
    include: str = "Metadata"


def form(accept: str, query: Query) -> Form:
    """The first form of an Accept header that is served here."""
    for offer in accept.split(","):
        media, *parameters = (part.strip() for part in offer.split(";"))
        if media not in {"application/json", "application/*", "*/*"}:
            continue
        given = dict(p.partition("=")[::2] for p in parameters)
        shape = given.get("as", "")
        if not shape:
            return Form()
        if given.get("g") == "meta.k8s.io" and given.get("v") == "v1":
            if shape == "Table":
                return Form("Table", query.get("includeObject") or "Metadata")
            if shape.startswith("PartialObjectMetadata"):
                return Form("PartialObjectMetadata")
    return Form()


def truth(query: Query, name: str) -> bool:
    """A boolean parameter."""
    return query.get(name, "").lower() in {"1", "true", "t"}


def selector(kind: Kind, query: Query) -> selection.Selector:
    """The selectors of a list or watch, in terms of the stored objects."""
    parsed = selection.parse(
        query.get("labelSelector", ""),
        query.get("fieldSelector", ""),
        known_fields=kind.selectable,
    )
    stored = tuple(
        selection.Term(views.stored_field(kind, term.key), term.values, negated=term.negated)
        for term in parsed.fields
    )
    return selection.Selector(parsed.labels, stored)


def check_list(query: Query, *, version: int) -> None:
    """Refuse a list at a version that does not exist yet.

    Raises:
        ServerTimeout: the version lies in the future.
        BadRequest: it is no version.
    """
    wanted = _version(query)
    if wanted is not None and wanted > version:
        raise errors.ServerTimeout(
            f"Too large resource version: {wanted}, current: {version}",
            details={"causes": [{"reason": "ResourceVersionTooLarge"}], "retryAfterSeconds": 1},
        )


def _version(query: Query) -> int | None:
    """The asked version; None for "any" and "latest"."""
    text = query.get("resourceVersion", "")
    if not text or text == "0":
        return None
    if not text.isdigit():
        raise errors.BadRequest(f'resourceVersion: Invalid value: "{text}": not a version')
    return int(text)


def watch(kind: Kind, namespace: str, query: Query, *, name: str = "") -> Watch:
    """A watch of a collection, or of one object of it."""
    send_initial = truth(query, "sendInitialEvents")
    if send_initial and query.get("resourceVersionMatch") != "NotOlderThan":
        cause = errors.Cause(
            "resourceVersionMatch",
            "FieldValueForbidden",
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )
        raise errors.Invalid("ListOptions", "meta.k8s.io", "", causes=(cause,))
    chosen = selector(kind, query)
    if name:
        only = selection.Term("metadata.name", frozenset({name}))
        chosen = selection.Selector(chosen.labels, (*chosen.fields, only))
    since = _version(query)
    timeout = query.get("timeoutSeconds", "")
    return Watch(
        kind=kind,
        namespace=namespace,
        selector=chosen,
        since=None if send_initial else since,
        bookmarks=truth(query, "allowWatchBookmarks"),
        send_initial=send_initial,
        timeout_s=float(timeout) if timeout.isdigit() and timeout != "0" else _DEFAULT_WATCH_S,
    )


def write_options(query: Query) -> requests.WriteOptions:
    """The options of a create, update or patch."""
    given = query.get("fieldValidation") or requests.FieldValidation.WARN
    try:
        validation = requests.FieldValidation(given)
    except ValueError as error:
        raise errors.BadRequest(f"fieldValidation: Unsupported value: {given!r}") from error
    return requests.WriteOptions(dry_run=_dry_run(query), field_validation=validation)


def _dry_run(query: Query) -> bool:
    given = query.get("dryRun", "")
    if given not in {"", "All"}:
        raise errors.BadRequest(f"dryRun: Unsupported value: {given!r}: supported values: All")
    return bool(given)


def delete_options(query: Query, body: Mapping[str, Any]) -> requests.DeleteOptions:
    """The options of a delete; the body comes before the query, as on the server."""
    grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    orphan = body.get("orphanDependents", query.get("orphanDependents"))
    policy = body.get("propagationPolicy") or query.get("propagationPolicy")
    if not policy:
        policy = "Orphan" if str(orphan).lower() == "true" else "Background"
    try:
        propagation = requests.Propagation(policy)
        grace_s = None if grace is None else int(grace)
    except ValueError as error:
        raise errors.BadRequest(f"DeleteOptions: {error}") from error
    preconditions = body.get("preconditions") or {}
    return requests.DeleteOptions(
        grace_s=grace_s,
        propagation=propagation,
        uid=preconditions.get("uid") or "",
        version=preconditions.get("resourceVersion") or "",
        dry_run=bool(body.get("dryRun")) or _dry_run(query),
    )
