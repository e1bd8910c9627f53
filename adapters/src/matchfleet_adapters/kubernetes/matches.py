"""Match resources as values, and the port through which they are asked for and watched.

A watch begins with a list and lists again whenever it lost its place, so that its user needs no
other way to learn the whole: what is not in a `Listed` is gone.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from matchfleet_contracts import clock, resources, results
from matchfleet_contracts.ids import MatchName, MatchUid, PodName, PodUid

PLURAL = "matches"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchResource:
    """One Match as the API server has it.

    Attributes:
        ended_s: POSIX time of its end, None while it has not ended.
        created_s: POSIX time of its creation.
        result: the Result its server wrote, when it completed.
    """

    name: MatchName
    uid: MatchUid
    resource_version: str
    created_s: float
    spec: Mapping[str, Any] = field(repr=False)
    annotations: Mapping[str, str]
    phase: resources.Phase
    server: resources.Server | None = None
    ended_s: float | None = None
    reason: str | None = None
    message: str = ""
    result: results.Result | None = None
    is_deleting: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether a row in PostgreSQL stands behind it."""
        return self.annotations.get(resources.ANNOTATION_ORIGIN) == resources.ORIGIN_API


@dataclass(frozen=True, slots=True)
class Listed:
    """All Matches there are."""

    matches: tuple[MatchResource, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A Match that is new or different."""

    match: MatchResource


@dataclass(frozen=True, slots=True)
class Removed:
    """A Match that is gone, as it was last."""

    match: MatchResource


WatchEvent = Listed | Changed | Removed


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPod:
    """A game server's pod, as far as an audit looks at it.

    Attributes:
        match: name of the Match it was claimed for.
        match_uid: UID of that Match.
        is_live: not Terminating, and not ended.
        deadline_s: POSIX time after which it must not run, None without one.
    """

    name: PodName
    uid: PodUid
    fleet: str
    is_busy: bool
    is_live: bool
    match: MatchName | None = None
    match_uid: MatchUid | None = None
    deadline_s: float | None = None


class Matches(Protocol):
    """What is done with Matches and seen of servers, in one namespace."""

    async def create(
        self, name: MatchName, *, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> MatchResource:
        """Ask for a Match.

        Raises:
            errors.ResourceExists: there is one of this name.
            errors.ResourceRefused: the spec is not valid.
            errors.Unavailable: the API server does not answer.
        """
        ...

    async def get(self, name: MatchName) -> MatchResource:
        """The Match of this name.

        Raises:
            errors.ResourceGone: there is none.
            errors.Unavailable: the API server does not answer.
        """
        ...

    async def snapshot(self) -> list[MatchResource]:
        """All Matches, read consistently.

        Raises:
            errors.Unavailable: the API server does not answer.
        """
        ...

    def watch(self) -> AsyncIterator[WatchEvent]:
        """Everything that happens to Matches from now on, without an end; see the module.

        Raises:
            errors.Unavailable: the API server does not answer; begin again.
        """
        ...

    async def cancel(self, name: MatchName) -> None:
        """Ask for the end of a Match; a second time does nothing.

        Raises:
            errors.ResourceGone: there is none.
            errors.Unavailable: the API server does not answer.
        """
        ...

    async def delete(self, name: MatchName, *, uid: MatchUid, resource_version: str) -> None:
        """Remove a Match if it is still exactly the one that was read.

        Raises:
            errors.ResourceGone: there is none, or another incarnation.
            errors.ResourceConflict: it changed since.
            errors.Unavailable: the API server does not answer.
        """
        ...

    async def servers(self) -> list[ServerPod]:
        """All pods of Fleets.

        Raises:
            errors.ResourceRefused: this process may not list pods.
            errors.Unavailable: the API server does not answer.
        """
        ...


def decode_match(raw: Mapping[str, Any]) -> MatchResource:
    """The Match in an API server's JSON."""
    metadata = raw["metadata"]
    status = raw.get("status") or {}
    server, result = status.get("server"), status.get("result")
    return MatchResource(
        name=MatchName(metadata["name"]),
        uid=MatchUid(metadata["uid"]),
        resource_version=metadata["resourceVersion"],
        created_s=_posix_s(metadata.get("creationTimestamp")) or 0.0,
        spec=raw.get("spec") or {},
        annotations=metadata.get("annotations") or {},
        phase=resources.Phase(status.get("phase", resources.Phase.PENDING)),
        server=None if server is None else msgspec.convert(server, resources.Server),
        ended_s=_posix_s((status.get("times") or {}).get("ended")),
        reason=status.get("reason"),
        message=status.get("message", ""),
        result=None if result is None else _result(result),
        is_deleting="deletionTimestamp" in metadata,
    )


def decode_server(raw: Mapping[str, Any]) -> ServerPod:
    """The game server's pod in an API server's JSON."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    labels = metadata.get("labels") or {}
    annotations = metadata.get("annotations") or {}
    match, match_uid = labels.get(resources.LABEL_MATCH), annotations.get(_MATCH_UID)
    has_ended = status.get("phase") in {"Succeeded", "Failed"} or _has_game_ended(status)
    return ServerPod(
        name=PodName(metadata["name"]),
        uid=PodUid(metadata["uid"]),
        fleet=labels.get(resources.LABEL_FLEET, ""),
        is_busy=labels.get(resources.LABEL_STATE) == "busy",
        is_live="deletionTimestamp" not in metadata and not has_ended,
        match=None if match is None else MatchName(match),
        match_uid=None if match_uid is None else MatchUid(match_uid),
        deadline_s=_deadline_s(raw.get("spec") or {}, status),
    )


def _result(raw: Any) -> results.Result | None:
    # The schema leaves the result open: one bad resource must not end a watch over all of them.
    try:
        return msgspec.convert(raw, results.Result)
    except msgspec.ValidationError:
        return None


_MATCH_UID = resources.ANNOTATION_MATCH_UID


def _has_game_ended(status: Mapping[str, Any]) -> bool:
    return any(
        container.get("name") == resources.GAME_CONTAINER
        and "terminated" in (container.get("state") or {})
        for container in status.get("containerStatuses") or ()
    )


def _deadline_s(spec: Mapping[str, Any], status: Mapping[str, Any]) -> float | None:
    seconds, started_s = spec.get("activeDeadlineSeconds"), _posix_s(status.get("startTime"))
    return None if seconds is None or started_s is None else started_s + seconds


def _posix_s(text: str | None) -> float | None:
    return None if text is None else clock.parse_rfc3339(text).timestamp()
