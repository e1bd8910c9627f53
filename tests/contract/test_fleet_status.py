"""`matchfleet fleet status` reads a real API server through a real kubectl."""

import asyncio
import dataclasses
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from matchfleet_client import errors, kubectl
from tools.cluster import control_plane

pytestmark = pytest.mark.control_plane
ROOT = Path(__file__).parents[2]
NAMESPACE = "fleet-status"
IN = ("--namespace", NAMESPACE)
NAME = "airhockey-example"


@pytest.fixture(scope="module")
def api(kube_api: control_plane.KubeApi) -> control_plane.KubeApi:
    kube_api.kubectl("apply", "--server-side", "-f", str(ROOT / "crds" / "fleets.yaml"))
    kube_api.kubectl("wait", "--for=condition=Established", "crd/fleets.matchfleet.dev")
    kube_api.kubectl("create", "namespace", NAMESPACE)
    kube_api.kubectl("apply", *IN, "-f", str(ROOT / "crds" / "examples" / "fleet.yaml"))
    return kube_api


@pytest.fixture(scope="module")
def reach(api: control_plane.KubeApi, tmp_path_factory: pytest.TempPathFactory) -> kubectl.Reach:
    """The API server's own program is kubectl under that name."""
    program = tmp_path_factory.mktemp("bin") / "kubectl"
    program.symlink_to(api.kube)
    return kubectl.Reach(program=str(program), kubeconfig=str(api.kubeconfig), namespace=NAMESPACE)


def note(api: control_plane.KubeApi, **status: Any) -> None:
    """The operator writes a status."""
    api.kubectl(
        *("patch", *IN, "fleet", NAME, "--subresource=status", "--type=merge"),
        *("--patch", json.dumps({"status": status})),
    )


async def test_the_command_prints_each_fleet_as_json(
    api: control_plane.KubeApi, reach: kubectl.Reach
) -> None:
    note(api, idle=2, busy=1, desiredWarm=4, scaling="4 idle servers for a buffer of 4")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "matchfleet_client", "fleet", "status", "--json"),
        *("--kubectl", reach.program, "--kubeconfig", reach.kubeconfig, *IN),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    (fleet,) = json.loads(out)
    assert (fleet["name"], fleet["idle"], fleet["wanted"]) == (NAME, 2, 4)
    assert fleet["remarks"] == ["4 idle servers for a buffer of 4"]


async def test_one_fleet_is_found_by_name_and_another_is_not(reach: kubectl.Reach) -> None:
    (found,) = await kubectl.fleets(reach, name=NAME)
    assert found["metadata"]["name"] == NAME
    with pytest.raises(errors.KubectlFailed, match="not found"):
        await kubectl.fleets(reach, name="nobody")


async def test_each_change_is_told_as_it_happens(
    api: control_plane.KubeApi, reach: kubectl.Reach
) -> None:
    note(api, idle=1)
    told = kubectl.changes(reach, name=NAME)
    try:
        async with asyncio.timeout(20):
            change, fleet = await anext(told)
            assert (change, fleet["status"]["idle"]) == ("ADDED", 1)
            await asyncio.to_thread(note, api, idle=3)
            change, fleet = await anext(told)
            assert (change, fleet["status"]["idle"]) == ("MODIFIED", 3)
    finally:
        await told.aclose()


async def test_without_kubectl_it_says_what_to_do(reach: kubectl.Reach) -> None:
    assert shutil.which("kubectl-of-nobody") is None
    with pytest.raises(errors.KubectlMissing, match="install kubectl"):
        await kubectl.fleets(dataclasses.replace(reach, program="kubectl-of-nobody"))
