"""A random walk on a real API server: it takes what we think it does, and the operator keeps up."""

import copy
import random

import operator_bench
import prometheus_client
import pytest
from chaos import edits, walks
from chaos.observer import Observer

from matchfleet_contracts.resources import API_VERSION

pytestmark = pytest.mark.control_plane
STEPS = 40
FLEETS_MOST = 4


def crashes() -> float:
    """How many plans ended in an error nobody foresaw, since the process began."""
    return sum(
        sample.value
        for family in prometheus_client.REGISTRY.collect()
        for sample in family.samples
        if sample.name == "matchfleet_operator_reconciles_total"
        and sample.labels["result"] == "crashed"
    )


def made(plural: str, name: str, rng: random.Random, port: int) -> edits.Object:
    """An object of which one field is odd."""
    found = edits.resource(plural)
    spec = copy.deepcopy(walks.FLEET if plural == "fleets" else walks.MATCH)
    if plural == "fleets":
        spec["controlPort"] = port
    body = {"apiVersion": API_VERSION, "kind": found.kind, "metadata": {"name": name}}
    return edits.edited({**body, "spec": spec}, found, rng)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_real_api_server_takes_the_same_edits_and_nothing_is_left(kube_api, tmp_path, seed):
    operator_bench.apply_crds(kube_api)
    rng, before = random.Random(seed), crashes()
    async with operator_bench.opened(kube_api.kubeconfig, tmp_path) as bench:
        seen = Observer(bench)
        async with seen.watching(), bench.operating(audit_seconds=1.0):
            names: list[tuple[str, str]] = []
            for step in range(STEPS):
                fleets = sum(plural == "fleets" for plural, _ in names)
                plural = "fleets" if fleets < FLEETS_MOST and rng.random() < 0.4 else "matches"
                if names and rng.random() < 0.5:
                    plural, name = rng.choice(names)
                    await change(bench, plural, name, rng)
                    continue
                name = f"{plural}-{step}"
                body = made(plural, name, rng, bench.game.port)
                status, answer = await bench.ask("POST", bench.path(plural), body)
                is_taken = edits.resource(plural).admitted(body, None) is not None
                assert (status < 300) == is_taken, (body, answer)
                if is_taken:
                    names.append((plural, name))
            assert len(names) > STEPS / 8
            for plural, name in names:
                await bench.delete(plural, name)
            await bench.until(lambda: nothing_left(seen), within_s=60, every_s=0.1)
    assert crashes() == before


async def change(bench, plural, name, rng) -> None:
    """One field of an object that is there; who was changed meanwhile stays as it is."""
    old = await bench.call("GET", bench.path(plural, name))
    new = edits.edited(old, edits.resource(plural), rng)
    status, answer = await bench.ask("PUT", bench.path(plural, name), new)
    if status == 409:
        return
    is_taken = edits.resource(plural).admitted(new, old) is not None
    assert (status < 300) == is_taken, (new["spec"], old["spec"], answer)


async def nothing_left(seen: Observer) -> bool:
    return not seen.now["pods"] and not seen.now["matches"]
