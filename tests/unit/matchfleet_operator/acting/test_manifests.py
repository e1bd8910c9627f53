"""What the API server is asked for, and that what it answers is read back as it was meant."""

import dataclasses
import json

import pytest

from matchfleet_contracts.ids import PodName
from matchfleet_contracts.resources import ExposeType, PlayerKind, PortProtocol, RosterEntry
from matchfleet_operator import errors
from matchfleet_operator.acting import manifests
from matchfleet_operator.planning import actions, progress
from matchfleet_operator.planning.seen import Expose, FleetPort, HostRange, PodPort
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at
from matchfleet_operator.watching import observed

META = {
    "uid": "uid-p1",
    "resourceVersion": "7",
    "creationTimestamp": "2026-05-04T12:00:00Z",
}


def a_pod_body(*, host_ports: tuple[int, ...] = (), **fleet) -> dict:
    create = actions.CreatePod(
        fleet=builders.a_fleet(**fleet), name=PodName("eu-x"), host_ports=host_ports, attempt=3
    )
    return manifests.pod_for(create)


def game(body: dict) -> dict:
    return next(c for c in body["spec"]["containers"] if c["name"] == "game")


def seen(body: dict, **meta):
    return observed.pod({**body, "metadata": {**META, **body["metadata"], **meta}})


def merged(target, patch):
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def test_a_server_is_what_its_fleet_says_and_what_every_server_is():
    body = a_pod_body()
    assert body["spec"]["restartPolicy"] == "Never"
    assert body["spec"]["terminationGracePeriodSeconds"] == 30
    assert body["spec"]["automountServiceAccountToken"] is False
    assert body["spec"]["enableServiceLinks"] is False
    assert game(body)["terminationMessagePolicy"] == "File"
    assert game(body)["image"] == "g:1"
    (owner,) = body["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Fleet", "uid-eu", True)
    env = {e["name"]: e for e in game(body)["env"]}
    assert env["MATCHFLEET_GAME"]["value"] == "airhockey"
    assert env["MATCHFLEET_DRAIN_SECONDS"]["value"] == "20"
    assert env["MATCHFLEET_POD_UID"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.uid"
    assert game(body)["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "control"}
    assert json.loads(json.dumps(body)) == body


def test_a_server_that_was_made_is_read_back_as_it_was_meant():
    expose = Expose(
        type=ExposeType.HOST_PORT,
        host_ports=(HostRange(name="games", first=7000, last=7009),),
        address="play.example",
    )
    ports = (
        FleetPort(name="game", container_port=9000),
        FleetPort(name="voice-in", container_port=9000, protocol=PortProtocol.UDP),
    )
    body = a_pod_body(host_ports=(7003, 7004), expose=expose, ports=ports, control_port=9001)
    pod = seen(body)
    assert (pod.fleet, pod.fleet_uid, pod.revision, pod.attempt) == ("eu", "uid-eu", "r1", 3)
    assert pod.ports == (
        PodPort(name="game", container_port=9000, host_port=7003),
        PodPort(name="voice-in", container_port=9000, protocol=PortProtocol.UDP, host_port=7004),
    )
    assert pod.control_port == 9001
    assert (pod.address, pod.drain_s) == ("play.example", 20)
    assert pod.claim is None
    env = {e["name"]: e.get("value") for e in game(body)["env"]}
    assert (env["MATCHFLEET_GAME_PORT"], env["MATCHFLEET_PORT_VOICE_IN"]) == ("9000", "9000")


def test_a_server_behind_a_gateway_has_a_name_that_the_gateway_finds():
    expose = Expose(
        type=ExposeType.GATEWAY, address="play.example", port=8443, service="mf-servers"
    )
    body = a_pod_body(expose=expose)
    assert (body["spec"]["hostname"], body["spec"]["subdomain"]) == ("eu-x", "mf-servers")
    assert body["metadata"]["labels"]["matchfleet.dev/service"] == "mf-servers"
    assert (seen(body).address, seen(body).gateway_port) == ("play.example", 8443)
    others = a_pod_body()
    assert {"hostname", "subdomain"}.isdisjoint(others["spec"])


def test_a_pod_without_our_ports_is_not_read_as_a_server():
    raw = a_raw_pod()
    game(raw)["ports"] = [{"name": "control", "containerPort": 7778}]
    with pytest.raises(errors.Unreadable, match="does not declare the ports"):
        observed.pod(raw)


def test_the_template_keeps_what_is_its_own():
    container = {
        "name": "game",
        "image": "g:1",
        "env": [{"name": "MY", "value": "1"}, {"name": "MATCHFLEET_GAME", "value": "cheat"}],
        "ports": [{"name": "debug", "containerPort": 9}, {"name": "game", "containerPort": 1}],
        "livenessProbe": {"exec": {"command": ["true"]}},
    }
    side = {"name": "side", "image": "s:1"}
    template = {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": {"containers": [container, side], "nodeSelector": {"pool": "games"}},
    }
    body = a_pod_body(template=template)
    assert body["metadata"]["labels"]["team"] == "a"
    assert body["metadata"]["annotations"]["note"] == "b"
    assert body["spec"]["nodeSelector"] == {"pool": "games"}
    assert [p["name"] for p in game(body)["ports"]] == ["game", "control", "debug"]
    env = [(e["name"], e.get("value")) for e in game(body)["env"]]
    assert ("MY", "1") in env
    assert ("MATCHFLEET_GAME", "cheat") not in env
    assert game(body)["livenessProbe"] == {"exec": {"command": ["true"]}}
    assert body["spec"]["containers"][1] == side
    assert "env" in container
    assert len(container["env"]) == 2, "the Fleet's template was changed"


def test_a_server_leaves_a_broken_node_sooner_unless_its_template_says_otherwise():
    keys = [t["key"] for t in a_pod_body()["spec"]["tolerations"]]
    assert keys == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 5}
    spec = {"containers": [{"name": "game", "image": "g"}], "tolerations": [own]}
    assert a_pod_body(template={"spec": spec})["spec"]["tolerations"][0] == own


def test_a_claim_makes_the_pod_that_of_its_match_and_holds_on_to_it():
    roster = [
        RosterEntry(seat=0, kind=PlayerKind.HUMAN, id="p"),
        RosterEntry(seat=1, kind=PlayerKind.BOT),
    ]
    match = builders.an_assigned_match(spec=builders.a_spec(players=roster))
    body = a_pod_body()
    idle = seen(body)
    patch = manifests.claim_patch(actions.ClaimPod(pod=idle, match=match, deadline_s=400))
    assert patch["metadata"]["resourceVersion"] == "7"
    pod = seen(merged(body, patch), resourceVersion="8")
    assert pod.claim == dataclasses.replace(builders.a_claim(), humans=1, bots=1)
    assert pod.is_held
    assert pod.fleet_uid == ""
    assert patch["spec"] == {"activeDeadlineSeconds": 400}
    labels = merged(body, patch)["metadata"]["labels"]
    assert labels["matchfleet.dev/state"] == "busy"
    assert labels["matchfleet.dev/match"] == "m1"


def test_a_long_name_fits_into_a_label_and_is_kept_in_full():
    name = "m" * 80
    match = builders.an_assigned_match(name)
    body = a_pod_body()
    claim = actions.ClaimPod(pod=seen(body), match=match, deadline_s=1)
    after = merged(body, manifests.claim_patch(claim))
    assert len(after["metadata"]["labels"]["matchfleet.dev/match"]) == 63
    assert seen(after).claim.match == name


@pytest.mark.parametrize(
    ("held", "left"), [((), None), (("other/one",), ["other/one"])], ids=["ours", "others too"]
)
def test_letting_go_takes_our_finalizer_only(held, left):
    pod = builders.a_claimed_pod(finalizers=(*held, "matchfleet.dev/result"))
    assert manifests.release_patch(pod)["metadata"]["finalizers"] == left


def test_a_status_is_read_back_as_it_was_written():
    match = builders.an_assigned_match()
    ready = progress.ready(match, builders.a_claimed_pod(), node_address="", now=at(3))
    patch = manifests.match_status_patch(actions.PatchMatchStatus(match=match, status=ready))
    assert patch["metadata"] == {"uid": "uid-m1", "resourceVersion": "1"}
    raw = {
        "metadata": {**META, "name": "m1", "generation": 1},
        "spec": {"game": "g", "mode": "m", "region": "r", "fleets": ["eu"]},
        "status": merged({"players": "2 bots"}, patch["status"]),
    }
    raw["status"]["times"]["assigned"] = "2026-05-04T12:00:01.000000Z"
    assert observed.match(raw).status == ready


def test_taking_a_server_away_leaves_nothing_of_it():
    match = builders.an_assigned_match()
    status = progress.taken_away(match, "silent", now=at(3))
    patch = manifests.match_status_patch(actions.PatchMatchStatus(match=match, status=status))
    assert patch["status"]["server"] is None
    assert patch["status"]["phase"] == "Pending"


def test_what_does_not_change_is_not_written():
    match = builders.an_ended_match(published=False)
    status = progress.published(match, now=at(11))
    patch = manifests.match_status_patch(actions.PatchMatchStatus(match=match, status=status))
    assert set(patch["status"]) == {"phase", "conditions"}


def test_an_event_says_who_and_what_within_bounds():
    emit = actions.EmitEvent(
        about=builders.a_match(),
        severity=actions.Severity.WARNING,
        reason="ServerLost",
        note="x" * 5000,
    )
    body = manifests.event_for(emit, name="e", namespace="games", instance="op", now=at(0))
    assert body["regarding"]["kind"] == "Match"
    assert len(body["note"]) == 1024
    assert body["eventTime"] == "2026-05-04T12:00:00.000000Z"


# ---- reading


def a_raw_pod(**status) -> dict:
    body = a_pod_body()
    return {**body, "metadata": {**META, **body["metadata"]}, "status": status}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param({"phase": "Running"}, "", id="well"),
        pytest.param(
            {
                "containerStatuses": [
                    {
                        "name": "game",
                        "state": {"waiting": {"reason": "ErrImagePull", "message": "no image"}},
                    }
                ]
            },
            "ErrImagePull: no image",
            id="image",
        ),
        pytest.param(
            {
                "initContainerStatuses": [
                    {"name": "i", "state": {"waiting": {"reason": "CreateContainerConfigError"}}}
                ]
            },
            "CreateContainerConfigError",
            id="init container",
        ),
        pytest.param(
            {"containerStatuses": [{"name": "game", "state": {"waiting": {"reason": "PodIn"}}}]},
            "",
            id="merely waiting",
        ),
        pytest.param(
            {
                "phase": "Failed",
                "containerStatuses": [
                    {
                        "name": "game",
                        "state": {"terminated": {"exitCode": 2, "message": "bad settings"}},
                    }
                ],
            },
            "code 2 before its match (bad settings)",
            id="crash",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "message": "low on disk"},
            "low on disk",
            id="evicted",
        ),
    ],
)
def test_why_a_server_does_not_start(status, words):
    found = observed.pod(a_raw_pod(**status)).trouble
    assert found == words or (words and words in found)


def test_why_a_server_waits_for_a_node():
    said = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    assert "0/2 nodes" in observed.pod(a_raw_pod(conditions=[said])).message


def test_an_object_that_breaks_its_schema_is_said_to():
    raw = a_raw_pod()
    del raw["metadata"]["labels"]["matchfleet.dev/fleet"]
    with pytest.raises(errors.Unreadable, match="eu-x"):
        observed.pod(raw)
    with pytest.raises(errors.Unreadable, match="m1"):
        observed.match({"metadata": {**META, "name": "m1"}, "spec": {"game": 7}})


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        ([("InternalIP", "10.0.0.1")], "10.0.0.1"),
        ([("InternalIP", "10.0.0.1"), ("ExternalIP", "203.0.113.5")], "203.0.113.5"),
        ([("Hostname", "n1")], ""),
    ],
    ids=str,
)
def test_a_node_is_found_at_its_external_address(addresses, found):
    told = [{"type": kind, "address": address} for kind, address in addresses]
    ready = [{"type": "Ready", "status": "True"}]
    meta = {"name": "n1", "resourceVersion": "1"}
    raw = {"metadata": meta, "status": {"addresses": told, "conditions": ready}}
    assert (observed.node(raw).address, observed.node(raw).ready) == (found, True)


def test_a_fleets_revision_moves_only_with_what_its_servers_are_made_from():
    spec = {
        "game": "g",
        "region": "r",
        "max": 3,
        "expose": {"type": "PodIP"},
        "template": {"spec": {"containers": [{"name": "game", "image": "g:1"}]}},
    }
    raw = {"metadata": {**META, "name": "eu"}, "spec": spec}
    before = observed.fleet(raw).revision
    assert observed.fleet({**raw, "spec": {**spec, "warm": 2, "max": 9}}).revision == before
    newer = {"spec": {"containers": [{"name": "game", "image": "g:2"}]}}
    assert observed.fleet({**raw, "spec": {**spec, "template": newer}}).revision != before
