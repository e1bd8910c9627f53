"""The API server for tests is a real one: it validates, it ends namespaces, it collects."""

import json
import time

from tools.cluster import control_plane

READY_WITHIN_S = 30


def until_gone(api: control_plane.KubeApi, *resource: str) -> None:
    api.kubectl("wait", "--for=delete", *resource, f"--timeout={READY_WITHIN_S}s")


def test_kubectl_reaches_it_with_the_kubeconfig_alone(kube_api: control_plane.KubeApi) -> None:
    version = json.loads(kube_api.kubectl("version", "-ojson"))
    assert version["serverVersion"]["gitVersion"] == version["clientVersion"]["gitVersion"]


def test_a_deleted_namespace_ends_with_what_is_in_it(kube_api: control_plane.KubeApi) -> None:
    kube_api.kubectl("create", "namespace", "ending")
    kube_api.kubectl("-n", "ending", "create", "configmap", "inside")
    kube_api.kubectl("delete", "namespace", "ending", f"--timeout={READY_WITHIN_S}s")
    assert "ending" not in kube_api.kubectl("get", "namespaces", "-oname")


def test_owned_objects_are_collected(kube_api: control_plane.KubeApi) -> None:
    owner = json.loads(kube_api.kubectl("create", "configmap", "owner", "-ojson"))
    owned = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "owned",
            "namespace": "default",
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "name": "owner",
                    "uid": owner["metadata"]["uid"],
                }
            ],
        },
    }
    kube_api.kubectl("create", "-f", "-", stdin=json.dumps(owned))
    kube_api.kubectl("delete", "configmap", "owner")
    until_gone(kube_api, "configmap/owned")


def test_pods_can_be_created_with_the_default_account(kube_api: control_plane.KubeApi) -> None:
    kube_api.kubectl(
        "wait", "--for=create", "serviceaccount/default", f"--timeout={READY_WITHIN_S}s"
    )
    began = time.monotonic()
    kube_api.kubectl("run", "probe", "--image=none")
    assert "probe" in kube_api.kubectl("get", "pods", "-oname")
    kube_api.kubectl("delete", "pod", "probe", "--now")
    assert time.monotonic() - began < READY_WITHIN_S
