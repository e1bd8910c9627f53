"""A Fleet's ports and exposure, as a real API server takes or refuses them."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tools.cluster import control_plane, errors

pytestmark = pytest.mark.control_plane
CRDS = Path(__file__).parents[2] / "crds"
Spec = dict[str, Any]

RANGE = {"name": "games", "from": 7000, "to": 7019}
HOST_PORT = {"type": "HostPort", "hostPorts": [RANGE]}
GATEWAY = {"type": "Gateway", "address": "play.example", "service": "matchfleet-servers"}
GAME = {"name": "game", "containerPort": 7777}
FLEET: dict[str, Any] = {
    "apiVersion": "matchfleet.dev/v1alpha1",
    "kind": "Fleet",
    "metadata": {"name": "exposed"},
    "spec": {
        "game": "airhockey",
        "region": "eu",
        "max": 2,
        "expose": {"type": "PodIP"},
        "template": {"spec": {"containers": [{"name": "game", "image": "game"}]}},
    },
}


@pytest.fixture(scope="module")
def api(kube_api: control_plane.KubeApi) -> control_plane.KubeApi:
    kube_api.kubectl("apply", "--server-side", "-f", str(CRDS / "fleets.yaml"))
    kube_api.kubectl("wait", "--for=condition=Established", "crd/fleets.matchfleet.dev")
    return kube_api


def applied(api: control_plane.KubeApi, spec: Spec) -> Spec:
    """The spec of a Fleet as the API server would keep it."""
    body = copy.deepcopy(FLEET)
    body["spec"] |= spec
    said = api.kubectl("apply", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(body))
    kept: Spec = json.loads(said)["spec"]
    return kept


def test_a_fleet_that_says_nothing_has_one_port(api: control_plane.KubeApi) -> None:
    kept = applied(api, {})
    assert kept["ports"] == [{"name": "game", "containerPort": 7777, "protocol": "TCP"}]
    assert kept["controlPort"] == 7778


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"expose": HOST_PORT}, id="host ports"),
        pytest.param({"expose": GATEWAY}, id="gateway"),
        pytest.param({"expose": {**GATEWAY, "port": 8443}}, id="gateway's port"),
        pytest.param(
            {
                "expose": {
                    "type": "HostPort",
                    "hostPorts": [RANGE, {"name": "voice", "from": 9000, "to": 9000}],
                },
                "ports": [
                    {**GAME, "hostPorts": "games"},
                    {"name": "v", "containerPort": 7777, "protocol": "UDP", "hostPorts": "voice"},
                ],
            },
            id="two ranges",
        ),
    ],
)
def test_what_can_be_is_taken(api: control_plane.KubeApi, spec: Spec) -> None:
    assert applied(api, spec)["expose"] == spec["expose"]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param({"expose": {"type": "HostPort"}}, "needs hostPorts", id="no range"),
        pytest.param(
            {"expose": {"type": "PodIP", "hostPorts": [RANGE]}},
            "only a HostPort Fleet has hostPorts",
            id="idle range",
        ),
        pytest.param(
            {"expose": {"type": "HostPort", "hostPorts": [RANGE, RANGE]}}, "Duplicate", id="twice"
        ),
        pytest.param(
            {"expose": {"type": "HostPort", "hostPorts": [{**RANGE, "from": 7020}]}},
            "hostPorts.from cannot be above hostPorts.to",
            id="falling range",
        ),
        pytest.param(
            {"expose": HOST_PORT, "ports": [{**GAME, "hostPorts": "voice"}]},
            "a port's hostPorts names no range in expose.hostPorts",
            id="unknown range",
        ),
        pytest.param(
            {"ports": [{**GAME, "hostPorts": "games"}]},
            "only the ports of a HostPort Fleet have hostPorts",
            id="range without host ports",
        ),
        pytest.param({"ports": [GAME, GAME]}, "Duplicate", id="port twice"),
        pytest.param(
            {"ports": [GAME, {**GAME, "name": "other"}]},
            "two ports have the same containerPort and protocol",
            id="number twice",
        ),
        pytest.param({"ports": []}, "at least 1 items", id="no ports"),
        pytest.param(
            {"ports": [{"name": "control", "containerPort": 7}]},
            "the name control is taken",
            id="control's name",
        ),
        pytest.param(
            {"controlPort": 7777}, "a port for players cannot be controlPort", id="control's number"
        ),
        pytest.param({"ports": [{**GAME, "name": "Game"}]}, "spec.ports[0].name", id="name"),
        pytest.param(
            {"expose": {"type": "Gateway", "service": "s"}}, "needs address", id="no address"
        ),
        pytest.param(
            {"expose": {"type": "Gateway", "address": "a"}}, "needs service", id="no service"
        ),
        pytest.param(
            {"expose": {"type": "PodIP", "service": "s"}},
            "only a Gateway Fleet has port and service",
            id="idle service",
        ),
        pytest.param(
            {"expose": GATEWAY, "ports": [{**GAME, "protocol": "UDP"}]},
            "a Gateway Fleet has one port, TCP with containerPort 7777",
            id="UDP behind a gateway",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    api: control_plane.KubeApi, spec: Spec, sentence: str
) -> None:
    with pytest.raises(errors.ClusterError, match=re.escape(sentence)):
        applied(api, spec)
