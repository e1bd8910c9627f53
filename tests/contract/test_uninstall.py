"""The uninstall hook works on a real API server, with no more rights than the chart gives it."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cluster import binaries, control_plane, places

ROOT = Path(__file__).parents[2]
NAMESPACE, RELEASE = "to-be-removed", "matchfleet"
PATIENCE_S = 3
SECRETS = ("api-keys", "operator-keys", "postgres", "redis", "rabbitmq", "admin")

pytestmark = pytest.mark.control_plane


@pytest.fixture
def namespace(kube_api: control_plane.KubeApi) -> str:
    for definition in sorted((ROOT / "crds").glob("*.yaml")):
        kube_api.kubectl("apply", "--server-side", "-f", str(definition))
    kube_api.kubectl("wait", "--for=condition=Established", "crd", "--all")
    kube_api.kubectl("create", "namespace", NAMESPACE)
    return NAMESPACE


def hook_rights() -> list[dict[str, Any]]:
    """What the chart renders for the hook, without its Job."""
    helm = binaries.ensure_helm(places.own_places())
    rendered = subprocess.run(
        [
            *(helm, "template", RELEASE, ROOT / "charts" / "matchfleet", "--namespace", NAMESPACE),
            *("--kube-version", "1.33.0", "--show-only", "templates/uninstall.yaml"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return [o for o in yaml.safe_load_all(rendered.stdout) if o and o["kind"] != "Job"]


def kubeconfig_of(api: control_plane.KubeApi, account: str) -> str:
    token = api.kubectl("create", "token", account, "--namespace", NAMESPACE).strip()
    config = yaml.safe_load(api.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    return json.dumps(config)


async def test_it_ends_matches_and_fleets_and_forgets_the_secrets(
    kube_api: control_plane.KubeApi, namespace: str, tmp_path: Path
) -> None:
    here = ("--namespace", namespace)
    for example in ("match.yaml", "fleet.yaml"):
        kube_api.kubectl("apply", *here, "-f", str(ROOT / "crds" / "examples" / example))
    for name in SECRETS:
        kube_api.kubectl("create", "secret", "generic", f"{RELEASE}-{name}", *here)
    kube_api.kubectl("create", "configmap", f"{RELEASE}-public-keys", *here)
    kube_api.kubectl("create", "secret", "generic", "of-somebody-else", *here)
    for manifest in hook_rights():
        kube_api.kubectl("apply", *here, "-f", "-", stdin=json.dumps(manifest))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig_of(kube_api, f"{RELEASE}-uninstall"))

    hook = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "matchfleet_api", "uninstall"),
        *("--namespace", namespace, "--release", RELEASE, "--patience-seconds", str(PATIENCE_S)),
        *("--keep", "rabbitmq"),
        env={**os.environ, "MATCHFLEET_KUBECONFIG": str(kubeconfig)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(hook.communicate(), 60)
    assert hook.returncode == 0, output.decode()
    assert b"install_emptied" in output
    left = kube_api.kubectl("get", "matches,fleets,secrets", *here, "-o", "name").split()
    assert left == ["secret/matchfleet-rabbitmq", "secret/of-somebody-else"]
    assert f"{RELEASE}-public-keys" not in kube_api.kubectl("get", "configmaps", *here)
