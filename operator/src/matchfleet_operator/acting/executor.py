"""Carries out what the planners want and puts what came of it into the cache.

An object that is not the version that was seen is read again, and the plan is given up: `Stale`
means "plan anew at once". A server that the API server refuses is remembered, for it is the
Fleet's planner that says when to try again. Everything else that fails is the caller's to retry.
"""

import dataclasses
from collections.abc import Callable
from typing import assert_never

import structlog

from matchfleet_adapters import errors as adapter_errors
from matchfleet_contracts import clock
from matchfleet_contracts.events import Event
from matchfleet_contracts.ids import MatchName, MatchUid, PodName, PodUid
from matchfleet_contracts.resources import Phase
from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import assign, kube, manifests, publishing
from matchfleet_operator.planning import actions
from matchfleet_operator.planning.actions import Action
from matchfleet_operator.planning.plan_match import Attempt
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import FleetSeen, MatchStatus, PodSeen, RevisionSeen
from matchfleet_operator.planning.servers import Refusal
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.cache import Cache
from matchfleet_operator.watching.memory import Memory

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 2.0
MOST_PAUSE_S = 60.0


class Stale(Exception):
    """What was planned on has changed; it was read again and should be planned anew."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """Acts through the API server, the broker and the servers."""

    api: kube.KubeApi
    cache: Cache
    memory: Memory
    publisher: publishing.EventPublisher
    assigner: assign.Assigner
    clock: clock.Clock
    emit: Callable[[actions.EmitEvent], None]

    async def do(self, action: Action) -> None:  # noqa: C901  one line for each kind of action
        """Carries out one action.

        Raises:
            Stale: plan anew; what changed is in the cache already.
            errors.NotLeading: nothing was done, for another replica may be at it.
            errors.ApiError, adapter_errors.AdapterError: try again later.
        """
        if not self.memory.leading:
            raise errors.NotLeading
        match action:
            case actions.PatchMatchStatus():
                await self._patch_match(action)
            case actions.PatchFleetStatus():
                await self._patch_fleet(action)
            case actions.ClaimPod():
                await self._claim(action)
            case actions.SendAssignment():
                await self._assign(action)
            case actions.CreatePod():
                await self._create(action)
            case actions.DeletePod():
                await self._delete_pod(action)
            case actions.ReleaseFinalizer():
                await self._patch_pod(action.pod, manifests.release_patch(action.pod))
            case actions.DeleteMatch():
                await self._delete_match(action)
            case actions.PublishReady():
                await self._publish(action.event)
                self.memory.ready_told[action.match_uid] = action.pod_uid
            case actions.PublishEnd():
                await self._publish(action.event)
                self.memory.end_told.add(action.match_uid)
            case actions.PutRevision():
                await self._put_revision(action)
            case actions.DeleteRevision():
                await self._delete_revision(action.revision)
            case actions.EmitEvent():
                self.emit(action)
            case actions.LookAtMatch():
                await self._look_at_match(action.name, action.uid)
                if action.because is not None:
                    self.memory.settled.add(action.because)
            case actions.LookAtPod():
                await self._look_at_pod(action.name, action.uid)
                for names in self.memory.uncertain.values():
                    names.discard(action.name)
            case actions.ForgetMatch():
                self.cache.gone_matches.pop(action.match.uid, None)
                self.memory.forget_match(action.match.uid)
            case _:
                assert_never(action)

    # ---- Matches

    async def _patch_match(self, patch: actions.PatchMatchStatus) -> None:
        match = patch.match
        try:
            raw = await self.api.patch(
                kube.MATCHES, match.name, manifests.match_status_patch(patch), part="status"
            )
        except (errors.Conflict, errors.NotFound) as error:
            await self._look_at_match(match.name, match.uid)
            raise Stale from error
        self.cache.put_match(observed.match(raw))
        if patch.status.phase is not match.status.phase:
            self._tell_phase(patch)

    def _tell_phase(self, patch: actions.PatchMatchStatus) -> None:
        match, status = patch.match, patch.status
        log.info(
            "match_phase_changed",
            match=match.name,
            match_uid=match.uid,
            phase=status.phase.value,
            server=status.server.pod if status.server is not None else None,
            reason=status.reason or None,
            message=status.message or None,
        )
        if status.phase is Phase.ASSIGNED:
            self._tell_step(match.uid, "chosen")
        elif status.phase is Phase.READY:
            took_s = self._tell_step(match.uid, "ready")
            if took_s is not None:
                metrics.READY_SECONDS.labels(path=self._path(match.uid, status)).observe(took_s)

    def _tell_step(self, uid: MatchUid, step: str) -> float | None:
        """How long a Match took to come so far, in seconds, where that is known."""
        first_seen = self.memory.first_seen_at.get(uid)
        if first_seen is None:
            return None
        took_s = (self.clock.now() - first_seen).total_seconds()
        metrics.CLAIM_SECONDS.labels(step=step).observe(took_s)
        return took_s

    def _path(self, uid: MatchUid, status: MatchStatus) -> str:
        """Whether the server was there before its Match was."""
        pod = self.cache.pod(PodUid(status.server.pod_uid)) if status.server is not None else None
        first_seen = self.memory.first_seen_at[uid]
        return "warm" if pod is not None and pod.created < first_seen else "cold"

    async def _delete_match(self, action: actions.DeleteMatch) -> None:
        match = action.match
        try:
            left = await self.api.delete(
                kube.MATCHES, match.name, uid=match.uid, version=match.version
            )
        except errors.NotFound:
            left = None
        except errors.Conflict as error:
            await self._look_at_match(match.name, match.uid)
            raise Stale from error
        if left is None:
            self.cache.drop_match(match.name, match.uid)
        else:
            self.cache.put_match(observed.match(left))

    async def _look_at_match(self, name: MatchName, uid: MatchUid) -> None:
        try:
            found = observed.match(await self.api.get(kube.MATCHES, name))
        except errors.NotFound:
            self.cache.drop_match(name, uid)
            return
        if found.uid != uid:
            self.cache.drop_match(name, uid)
        self.cache.put_match(found)

    # ---- Fleets

    async def _patch_fleet(self, patch: actions.PatchFleetStatus) -> None:
        name = patch.fleet.name
        try:
            raw = await self.api.patch(
                kube.FLEETS, name, manifests.fleet_status_patch(patch), part="status"
            )
        except (errors.NotFound, errors.Conflict) as error:
            await self._look_at_fleet(patch.fleet)
            raise Stale from error
        self.memory.status_written_at[name] = self.clock.now()
        self.cache.put_fleet(observed.fleet(raw))
        for state in ("idle", "starting", "busy", "draining", "waiting"):
            metrics.SERVERS.labels(fleet=name, state=state).set(getattr(patch.status, state))

    async def _put_revision(self, put: actions.PutRevision) -> None:
        kind, seen = kube.CONTROLLER_REVISIONS, put.seen
        try:
            if seen is None:
                raw = await self.api.create(kind, manifests.revision_for(put))
            else:
                body = manifests.renumber_patch(put, seen)
                raw = await self.api.patch(kind, put.name, body)
        except (errors.AlreadyExists, errors.Conflict, errors.NotFound) as error:
            await self._look_at_revision(put.name, seen)
            raise Stale from error
        self.cache.put_revision(observed.revision(raw))

    async def _delete_revision(self, seen: RevisionSeen) -> None:
        try:
            await self.api.delete(kube.CONTROLLER_REVISIONS, seen.name, uid=seen.uid)
        except errors.NotFound:
            pass
        except errors.Conflict as error:
            await self._look_at_revision(seen.name, seen)
            raise Stale from error
        self.cache.drop_revision(seen.name, seen.uid)

    async def _look_at_revision(self, name: str, seen: RevisionSeen | None) -> None:
        try:
            found = observed.revision(await self.api.get(kube.CONTROLLER_REVISIONS, name))
        except errors.NotFound:
            if seen is not None:
                self.cache.drop_revision(seen.name, seen.uid)
            return
        if seen is not None and found.uid != seen.uid:
            self.cache.drop_revision(seen.name, seen.uid)
        self.cache.put_revision(found)

    async def _look_at_fleet(self, fleet: FleetSeen) -> None:
        try:
            found = observed.fleet(await self.api.get(kube.FLEETS, fleet.name))
        except errors.NotFound:
            self.cache.drop_fleet(fleet.name, fleet.uid)
            return
        if found.uid != fleet.uid:
            self.cache.drop_fleet(fleet.name, fleet.uid)
        self.cache.put_fleet(found)

    # ---- servers

    async def _claim(self, claim: actions.ClaimPod) -> None:
        try:
            await self._patch_pod(claim.pod, manifests.claim_patch(claim))
        except errors.Refused as error:
            log.warning("claim_refused", pod=claim.pod.name, match=claim.match.name, why=str(error))
            self.memory.unfit.add(claim.pod.uid)
            await self._look_at_pod(claim.pod.name, claim.pod.uid)
            raise Stale from error
        self._tell_step(claim.match.uid, "claimed")

    async def _patch_pod(self, pod: PodSeen, body: manifests.Body) -> None:
        try:
            raw = await self.api.patch(kube.PODS, pod.name, body)
        except (errors.Conflict, errors.NotFound) as error:
            await self._look_at_pod(pod.name, pod.uid)
            raise Stale from error
        self.cache.put_pod(observed.pod(raw))

    async def _assign(self, send: actions.SendAssignment) -> None:
        now = self.clock.now()
        answer = await self.assigner.assign(send.pod, send.match, now=now)
        before = self.memory.attempts.get(send.match.uid)
        is_first = before is None or before[0] != send.pod.uid
        first_at = now if is_first or before is None else before[1].first_at
        attempt = Attempt(first_at=first_at, last_at=self.clock.now())
        match answer:
            case assign.Accepted():
                attempt = dataclasses.replace(attempt, acknowledged=True)
                self._tell_step(send.match.uid, "acknowledged")
            case assign.Declined(detail=detail, unplayable=unplayable):
                attempt = dataclasses.replace(attempt, refused=detail, unplayable=unplayable)
                log.warning(
                    "assignment_declined", match=send.match.name, pod=send.pod.name, why=detail
                )
            case assign.Unanswered(detail=detail):
                log.info(
                    "assignment_unanswered", match=send.match.name, pod=send.pod.name, why=detail
                )
            case _:
                assert_never(answer)
        metrics.ASSIGNMENTS.labels(answer=type(answer).__name__.lower()).inc()
        self.memory.attempts[send.match.uid] = (send.pod.uid, attempt)

    async def _create(self, create: actions.CreatePod) -> None:
        fleet = create.fleet.name
        try:
            raw = await self.api.create(kube.PODS, manifests.pod_for(create))
        except errors.AlreadyExists:
            await self._look_at_pod(create.name, None)
        except (errors.Refused, errors.NotFound, errors.Conflict) as error:
            self._note_refusal(create, error)
        except (errors.Unreachable, errors.ServerFailed):
            self.memory.uncertain.setdefault(fleet, set()).add(create.name)
            raise
        else:
            self.memory.refusals.pop(fleet, None)
            self.cache.put_pod(observed.pod(raw))

    def _note_refusal(self, create: actions.CreatePod, error: errors.ApiError) -> None:
        fleet, now = create.fleet.name, self.clock.now()
        before = self.memory.refusals.get(fleet)
        if before is not None and now < before.until:
            # Several of one pass were refused; that is one refusal.
            return
        count = before.count + 1 if before is not None else 1
        pause_s = min(FIRST_PAUSE_S * 2.0 ** (count - 1), MOST_PAUSE_S)
        log.warning("server_refused", fleet=fleet, why=str(error), again_in_s=pause_s)
        self.memory.refusals[fleet] = Refusal(
            message=str(error), count=count, until=now + seconds(pause_s)
        )

    async def _delete_pod(self, action: actions.DeletePod) -> None:
        pod = action.pod
        try:
            left = await self.api.delete(
                kube.PODS, pod.name, uid=pod.uid, version=action.version, grace_s=action.grace_s
            )
        except errors.NotFound:
            left = None
        except errors.Conflict as error:
            await self._look_at_pod(pod.name, pod.uid)
            raise Stale from error
        if left is None:
            self._bury(pod.name, pod.uid)
        else:
            self.cache.put_pod(observed.pod(left))

    async def _look_at_pod(self, name: PodName, uid: PodUid | None) -> None:
        asked_at = self.clock.now()
        try:
            found = observed.pod(await self.api.get(kube.PODS, name))
        except (errors.NotFound, errors.Unreadable):
            self._bury(name, uid)
            return
        if found.uid != uid:
            self._bury(name, uid)
        self.memory.looked_at[found.uid] = asked_at
        self.cache.put_pod(found)

    def _bury(self, name: PodName, uid: PodUid | None) -> None:
        if uid is not None:
            self.cache.drop_pod(name, uid)
            self.memory.forget_pod(uid)

    # ---- events

    async def _publish(self, event: Event) -> None:
        try:
            await self.publisher.publish(event)
        except adapter_errors.AdapterError:
            metrics.PUBLISHES.labels(type=event.type, result="failed").inc()
            raise
        metrics.PUBLISHES.labels(type=event.type, result="confirmed").inc()
