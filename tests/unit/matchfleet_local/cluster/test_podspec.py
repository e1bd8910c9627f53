"""Pods get the API's defaults and may hardly change."""

from typing import Any

import pytest

from matchfleet_local.cluster import podspec

DEADLINE = "spec.activeDeadlineSeconds"


def a_pod(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "i"}]
    return podspec.defaulted({"metadata": {}, "spec": {"containers": containers, **spec}})


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("i", "Always"),
        ("i:latest", "Always"),
        ("i:1", "IfNotPresent"),
        ("h:5/i", "Always"),
        ("h:5/i:1", "IfNotPresent"),
        ("i@sha256:0", "IfNotPresent"),
    ],
)
def test_only_moving_tags_are_pulled_always(image: str, policy: str) -> None:
    pod = a_pod(containers=[{"name": "main", "image": image}])
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_defaulting_settles_at_once() -> None:
    container = {
        "name": "main",
        "image": "i",
        "ports": [{"containerPort": 1}],
        "readinessProbe": {"httpGet": {"port": 1}},
        "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    }
    pod = a_pod(containers=[container], volumes=[{"name": "v", "secret": {"secretName": "s"}}])
    assert podspec.defaulted(pod) == pod


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1"}}, "Guaranteed"),
        (
            {"limits": {"cpu": "1", "memory": "1"}, "requests": {"cpu": "1", "memory": "2"}},
            "Burstable",
        ),
    ],
)
def test_the_quality_of_service_follows_from_resources(
    resources: dict[str, Any], quality: str
) -> None:
    pod = a_pod(containers=[{"name": "main", "image": "i", "resources": resources}])
    assert podspec.first_status(pod)["qosClass"] == quality


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({}, {"activeDeadlineSeconds": 5}, []),
        ({"activeDeadlineSeconds": 5}, {"activeDeadlineSeconds": 4}, []),
        (
            {"activeDeadlineSeconds": 5},
            {"activeDeadlineSeconds": 6},
            [DEADLINE],
        ),
        ({"activeDeadlineSeconds": 5}, {}, [DEADLINE]),
        ({}, {"activeDeadlineSeconds": 0}, [DEADLINE]),
        ({}, {"containers": [{"name": "main", "image": "j"}]}, []),
        ({}, {"containers": [{"name": "main", "image": "i", "command": ["x"]}]}, ["spec"]),
        ({}, {"tolerations": [{"key": "a"}]}, []),
        ({}, {"nodeName": "n"}, ["spec"]),
    ],
)
def test_what_may_change(before: dict[str, Any], after: dict[str, Any], fields: list[str]) -> None:
    causes = podspec.check_update(a_pod(**after), a_pod(**before))
    assert [cause.field for cause in causes] == fields


@pytest.mark.parametrize(
    ("status", "node", "asked", "grace"),
    [
        ({"phase": "Running"}, "n", None, 30),
        ({"phase": "Running"}, "n", 5, 5),
        ({"phase": "Running"}, "n", 0, 0),
        ({"phase": "Running"}, "n", -1, 1),
        ({"phase": "Running"}, "", None, 0),
        ({"phase": "Failed"}, "n", None, 0),
        ({"phase": "Succeeded"}, "n", 9, 0),
    ],
)
def test_the_grace_of_a_deletion(
    status: dict[str, Any], node: str, asked: int | None, grace: int
) -> None:
    pod = {**a_pod(**({"nodeName": node} if node else {})), "status": status}
    assert podspec.grace_s(pod, asked) == grace
