"""I1, I6 and I7: Matches, pods and rows must agree. Pure: values in, findings out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import audit
from matchfleet_adapters.postgres.matches import MatchState
from matchfleet_api.audit import finding
from matchfleet_contracts import ids, resources, results
from matchfleet_contracts.ids import MatchId

_STATES = {
    resources.Phase.COMPLETED: MatchState.COMPLETED,
    resources.Phase.FAILED: MatchState.FAILED,
    resources.Phase.CANCELLED: MatchState.CANCELLED,
}


def results_kept(
    found: Sequence[kube.MatchResource],
    rows: Mapping[MatchId, audit.Recorded],
    *,
    now_s: float,
    grace_s: float,
) -> finding.Finding:
    """I1: every end that a resource tells is the end of its row, after `grace_s`."""
    ours = [m for m in found if m.is_ours and m.phase.is_terminal]
    due = [m for m in ours if now_s - (m.ended_s or m.created_s) >= grace_s]
    violations = [text for m in due if (text := _lost(m, rows)) is not None]
    return finding.told("I1", violations, f"{len(due)} ended Matches of {len(found)}")


def _lost(resource: kube.MatchResource, rows: Mapping[MatchId, audit.Recorded]) -> str | None:
    match = ids.match_id(resource.name)
    row = None if match is None else rows.get(match)
    if row is None:
        return f"{resource.name}: {resource.phase}, and there is no row"
    if _is_refused(row, resource):
        return None
    if row.state is not _STATES[resource.phase]:
        return f"{resource.name}: {resource.phase}, and its row is {row.state}"
    if resource.result is not None and resource.phase is resources.Phase.COMPLETED:
        kept = None if row.result is None else msgspec.convert(row.result, results.Result)
        if kept != resource.result:
            return f"{resource.name}: its row has another result"
    return None


def _is_refused(row: audit.Recorded, resource: kube.MatchResource) -> bool:
    """Whether ranking held the result against the seats and did not believe it."""
    return (
        resource.phase is resources.Phase.COMPLETED
        and row.state is MatchState.FAILED
        and row.reason == resources.Reason.RESULT_INVALID
    )


def one_server(
    found: Sequence[kube.MatchResource], servers: Sequence[kube.ServerPod]
) -> finding.Finding:
    """I6: no match has two live servers, and the named one holds the result."""
    by_name = {m.name: m for m in found}
    live = defaultdict(list)
    for pod in servers:
        if pod.is_live and pod.match is not None:
            live[pod.match].append(pod)
    violations = [
        f"{match}: {len(pods)} live servers: {', '.join(sorted(p.name for p in pods))}"
        for match, pods in live.items()
        if len(pods) > 1
    ]
    for match, pods in live.items():
        resource = by_name.get(match)
        if resource is None or resource.phase is not resources.Phase.READY:
            continue
        named = resource.server.pod_uid if resource.server is not None else None
        violations += [
            f"{match}: {pod.name} plays it and status.server names another"
            for pod in pods
            if pod.uid != named
        ]
    violations += [
        f"{m.name}: its result answers {m.result.match_uid}, not {m.uid}"
        for m in found
        if m.result is not None and m.result.match_uid != m.uid
    ]
    return finding.told("I6", violations, f"{sum(map(len, live.values()))} live busy servers")


def none_outlives(
    found: Sequence[kube.MatchResource],
    servers: Sequence[kube.ServerPod],
    *,
    now_s: float,
    grace_s: float,
) -> finding.Finding:
    """I7: a busy pod has a Match that has not long ended, and its deadline is not long past."""
    by_uid = {m.uid: m for m in found}
    violations = []
    busy = [pod for pod in servers if pod.is_busy and pod.is_live]
    for pod in busy:
        match = by_uid.get(pod.match_uid) if pod.match_uid is not None else None
        if match is None:
            violations.append(f"{pod.name}: busy, and its Match {pod.match} is gone")
        elif match.ended_s is not None and now_s - match.ended_s > grace_s:
            violations.append(f"{pod.name}: lives on {now_s - match.ended_s:.0f} s after its match")
        if pod.deadline_s is not None and now_s > pod.deadline_s + grace_s:
            violations.append(f"{pod.name}: lives {now_s - pod.deadline_s:.0f} s past its deadline")
    return finding.told("I7", violations, f"{len(busy)} busy servers of {len(servers)}")
