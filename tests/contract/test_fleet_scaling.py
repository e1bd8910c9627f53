"""A Fleet is scaled through its scale subresource: by kubectl, by Kubernetes' autoscaler, by KEDA.

The examples are held against a real API server, KEDA's against the definition that it publishes: so
they are well-formed, and name a Fleet that has this subresource. What KEDA then does with them is
KEDA's business and not shown here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cluster import control_plane, errors, places, toolchain, versions

pytestmark = pytest.mark.control_plane
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "crds" / "examples"
NAMESPACE = "fleet-scaling"
IN = ("--namespace", NAMESPACE)
SCALE = f"/apis/matchfleet.dev/v1alpha1/namespaces/{NAMESPACE}/fleets/airhockey-example/scale"
DRY = ("apply", "--dry-run=server", "--validate=strict", *IN, "-f", "-")
Manifest = dict[str, Any]


def example(name: str) -> Manifest:
    found: Manifest = yaml.safe_load((EXAMPLES / name).read_text())
    return found


@pytest.fixture(scope="module")
def api(kube_api: control_plane.KubeApi) -> control_plane.KubeApi:
    """An API server with the Fleet of the examples, two of whose servers are idle."""
    kube_api.kubectl("apply", "--server-side", "-f", str(ROOT / "crds" / "fleets.yaml"))
    kube_api.kubectl("wait", "--for=condition=Established", "crd/fleets.matchfleet.dev")
    kube_api.kubectl("create", "namespace", NAMESPACE)
    kube_api.kubectl("apply", *IN, "-f", str(EXAMPLES / "fleet.yaml"))
    status = {"status": {"idle": 2, "busy": 5, "selector": "matchfleet.dev/fleet=x"}}
    kube_api.kubectl(
        *("patch", *IN, "fleet", "airhockey-example", "--subresource=status", "--type=merge"),
        *("--patch", json.dumps(status)),
    )
    return kube_api


@pytest.fixture(scope="module")
def keda(api: control_plane.KubeApi) -> Iterator[control_plane.KubeApi]:
    """The same, which knows what a ScaledObject of KEDA is."""
    source = toolchain.module_source(
        "github.com/kedacore/keda/v2", versions.KEDA, where=places.own_places()
    )
    definition = str(source / "config" / "crd" / "bases" / "keda.sh_scaledobjects.yaml")
    api.kubectl("apply", "--server-side", "-f", definition)
    api.kubectl("wait", "--for=condition=Established", "crd/scaledobjects.keda.sh")
    yield api
    api.kubectl("delete", "-f", definition)


def scale(api: control_plane.KubeApi) -> Manifest:
    found: Manifest = json.loads(api.kubectl("get", "--raw", SCALE))
    return found


def warm(api: control_plane.KubeApi) -> int:
    words = ("get", *IN, "fleet", "airhockey-example", "-o", "jsonpath={.spec.warm}")
    return int(api.kubectl(*words))


def test_the_scale_subresource_counts_idle_servers_and_not_busy_ones(
    api: control_plane.KubeApi,
) -> None:
    found = scale(api)
    assert found["spec"]["replicas"] == 2
    assert found["status"] == {"replicas": 2, "selector": "matchfleet.dev/fleet=x"}


def test_what_is_written_to_the_scale_subresource_is_warm(api: control_plane.KubeApi) -> None:
    wanted = scale(api)
    wanted["spec"]["replicas"] = 5
    api.kubectl("replace", "--raw", SCALE, "-f", "-", stdin=json.dumps(wanted))
    assert warm(api) == 5
    api.kubectl("scale", *IN, "fleet", "airhockey-example", "--replicas=3")
    assert warm(api) == 3


def test_no_way_of_scaling_leads_above_max(api: control_plane.KubeApi) -> None:
    before = warm(api)
    with pytest.raises(errors.CommandFailed, match="cannot be more than max"):
        api.kubectl("scale", *IN, "fleet", "airhockey-example", "--replicas=11")
    wanted = scale(api)
    wanted["spec"]["replicas"] = 11
    with pytest.raises(errors.CommandFailed, match="cannot be more than max"):
        api.kubectl("replace", "--raw", SCALE, "-f", "-", stdin=json.dumps(wanted))
    assert warm(api) == before


def test_kubernetes_takes_the_example_of_its_own_autoscaler(api: control_plane.KubeApi) -> None:
    said = api.kubectl(*DRY, stdin=(EXAMPLES / "scaling" / "hpa.yaml").read_text())
    assert "horizontalpodautoscaler.autoscaling/airhockey-example created" in said


def test_the_definition_of_keda_takes_our_example(keda: control_plane.KubeApi) -> None:
    said = keda.kubectl(*DRY, stdin=(EXAMPLES / "scaling" / "keda-scaledobject.yaml").read_text())
    assert "scaledobject.keda.sh/airhockey-example created" in said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"minReplicas": 0}, 'unknown field "spec.minReplicas"', id="of another kind"),
        pytest.param({"maxReplicaCount": "8"}, "spec.maxReplicaCount", id="a text for a number"),
        pytest.param({"triggers": [{"type": "cron"}]}, "metadata", id="half a trigger"),
    ],
)
def test_the_definition_of_keda_has_teeth(
    keda: control_plane.KubeApi, change: Manifest, sentence: str
) -> None:
    body = example("scaling/keda-scaledobject.yaml")
    body["spec"] |= change
    with pytest.raises(errors.CommandFailed, match=sentence):
        keda.kubectl(*DRY, stdin=json.dumps(body))


@pytest.mark.parametrize(
    ("file", "most"),
    [("scaling/hpa.yaml", "maxReplicas"), ("scaling/keda-scaledobject.yaml", "maxReplicaCount")],
)
def test_the_examples_scale_the_fleet_of_the_examples_within_its_bounds(
    file: str, most: str
) -> None:
    spec, fleet = example(file)["spec"], example("fleet.yaml")
    target = spec["scaleTargetRef"]
    assert target == {k: fleet[k] for k in ("apiVersion", "kind")} | {
        "name": fleet["metadata"]["name"]
    }
    assert spec[most] <= fleet["spec"]["max"]
