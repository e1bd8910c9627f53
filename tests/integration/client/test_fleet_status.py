"""`matchfleet fleet status` against `local`, as against any cluster: a list and a watch."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import commands
import pytest

from matchfleet_client import kubectl
from matchfleet_operator.watching import access

pytestmark = pytest.mark.local
CRDS = Path(__file__).parents[3] / "crds"
PATH = "/apis/matchfleet.dev/v1alpha1/namespaces/default/fleets"
FLEET = {
    "apiVersion": "matchfleet.dev/v1alpha1",
    "kind": "Fleet",
    "metadata": {"name": "eu"},
    "spec": {
        "game": "airhockey",
        "region": "eu",
        "warm": 2,
        "max": 5,
        "expose": {"type": "PodIP"},
        "template": {"spec": {"containers": [{"name": "game", "image": "g"}]}},
    },
}


async def test_fleets_of_the_local_cluster_are_listed_and_followed(
    local_cluster: Callable[..., Any],
) -> None:
    cluster = local_cluster("--crds", str(CRDS))
    program = shutil.which("kubectl", path=commands.search_path(os.environ))
    assert program, "kubectl is not installed: `make doctor` says how to get it"
    reach = kubectl.Reach(program=program, kubeconfig=str(cluster.kubeconfig))
    to = access.of_kubeconfig(cluster.kubeconfig)
    headers = {"Authorization": f"Bearer {to.bearer()}"}
    async with (
        asyncio.timeout(40),
        aiohttp.ClientSession(
            to.server, headers=headers, connector=aiohttp.TCPConnector(ssl=to.tls() or True)
        ) as api,
    ):
        assert await kubectl.fleets(reach) == []
        (await api.post(PATH, json=FLEET)).raise_for_status()
        told = kubectl.changes(reach)
        try:
            change, fleet = await anext(told)
            assert (change, fleet["metadata"]["name"]) == ("ADDED", "eu")
            (await api.delete(f"{PATH}/eu")).raise_for_status()
            change, fleet = await anext(told)
            assert (change, fleet["metadata"]["name"]) == ("DELETED", "eu")
        finally:
            await told.aclose()
