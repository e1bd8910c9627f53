"""Two clusters on one machine never share a port, and game ports are the same on both sides."""

import itertools
import json

import pytest

from tools.cluster import errors, kind_config, node_image, ports

OURS = node_image.NodeImage("matchfleet/kind-node:v1-abc", is_published=False)
PUBLISHED = node_image.NodeImage("kindest/node:v1", is_published=True)


def test_the_known_clusters_do_not_meet() -> None:
    chosen = [
        ports.ports_for("matchfleet"),
        ports.ports_for("matchfleet-e2e"),
        ports.ports_for("other", offset=300),
    ]
    for one, other in itertools.combinations(chosen, 2):
        assert not {one.api, one.gateway, *one.games} & {other.api, other.gateway, *other.games}


def test_an_unknown_cluster_must_choose_its_ports() -> None:
    with pytest.raises(errors.ClusterError, match="--port-offset"):
        ports.ports_for("other")
    chosen = ports.ports_for("other", api=9000, games="9100-9110")
    assert chosen == ports.Ports(api=9000, first_game=9100, last_game=9110, gateway=9363)


@pytest.mark.parametrize("games", ["7000", "7010-7000", "a-b", "80-90", "8070-8090"])
def test_ranges_that_cannot_be_are_refused(games: str) -> None:
    with pytest.raises(errors.ClusterError):
        ports.ports_for("matchfleet", games=games)


def test_game_ports_are_the_same_number_inside_and_outside() -> None:
    mapped = ports.ports_for("matchfleet-e2e")
    config = kind_config.config_for("matchfleet-e2e", image=OURS, mapped=mapped)
    platform, games = config["nodes"]
    assert [(one["containerPort"], one["hostPort"]) for one in games["extraPortMappings"]] == [
        (port, port) for port in range(7100, 7120)
    ]
    assert platform["extraPortMappings"] == [
        {"containerPort": 30080, "hostPort": 18080, "listenAddress": "127.0.0.1"},
        {"containerPort": 30443, "hostPort": 18443, "listenAddress": "127.0.0.1"},
    ]


def test_every_port_is_bound_to_loopback_only() -> None:
    config = kind_config.config_for("m", image=OURS, mapped=ports.ports_for("matchfleet"))
    for node in config["nodes"]:
        assert {one["listenAddress"] for one in node["extraPortMappings"]} == {"127.0.0.1"}


def test_the_platform_and_games_have_nodes_of_their_own() -> None:
    config = kind_config.config_for("m", image=OURS, mapped=ports.ports_for("matchfleet"))
    roles = {node["role"]: node["labels"]["matchfleet.dev/role"] for node in config["nodes"]}
    assert roles == {"control-plane": "platform", "worker": "games"}


def test_only_our_own_node_needs_another_cgroup_driver() -> None:
    mapped = ports.ports_for("matchfleet")
    ours = kind_config.config_for("m", image=OURS, mapped=mapped)
    published = kind_config.config_for("m", image=PUBLISHED, mapped=mapped)
    assert "cgroupfs" in ours["kubeadmConfigPatches"][0]
    assert "kubeadmConfigPatches" not in published
    assert json.loads(kind_config.render(ours)) == ours
