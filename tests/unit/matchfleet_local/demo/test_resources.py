from pathlib import Path

import msgspec
import pytest
import yaml

from matchfleet_api.matchmaking import queues
from matchfleet_contracts.games import airhockey
from matchfleet_local.demo import resources, topology

ROOT = Path(__file__).parents[4]
FILES = topology.Files(Path("/demo"))
PORTS = topology.ports(tuple(range(20_000, 20_000 + len(topology.listeners()))))
FLEETS = resources.fleets(FILES, PORTS)
QUEUES = queues.parse(resources.queues())


def test_there_is_a_fleet_in_each_of_two_regions() -> None:
    assert [f["spec"]["region"] for f in FLEETS] == ["eu", "us"]
    assert all(f["spec"]["expose"] == {"type": "PodIP"} for f in FLEETS)


@pytest.mark.parametrize("queue", QUEUES.values(), ids=lambda queue: queue.key)
def test_every_queue_plays_on_fleets_that_exist(queue: queues.Queue) -> None:
    served = {f["spec"]["region"]: f["metadata"]["name"] for f in FLEETS}
    assert {region: fleets[0] for region, fleets in queue.regions.items()} == served


@pytest.mark.parametrize("queue", QUEUES.values(), ids=lambda queue: queue.key)
def test_every_queue_has_parameters_that_the_game_takes(queue: queues.Queue) -> None:
    config = airhockey.parse_config(queue.config)
    assert config.duration_seconds < queue.limits.max_seconds


def test_the_first_queue_is_one_of_them() -> None:
    assert topology.FIRST_QUEUE in resources.queue_names()


def test_a_game_server_is_given_public_keys_and_no_address_of_a_store() -> None:
    for fleet in FLEETS:
        (container,) = fleet["spec"]["template"]["spec"]["containers"]
        values = {entry["name"]: entry["value"] for entry in container["env"]}
        assert values["MATCHFLEET_OPERATOR_PUBLIC_KEYS"] == str(FILES.operator_public_keys)
        assert not {name for name in values if "DSN" in name or name.endswith("_URL")}
        assert "signing" not in msgspec.json.encode(values).decode()


def test_the_example_match_plays_on_a_fleet_of_the_demo() -> None:
    example = yaml.safe_load((ROOT / "crds" / "examples" / "match.yaml").read_text())
    assert example["spec"]["fleets"][0] in {f["metadata"]["name"] for f in FLEETS}
