"""What the API server does to a pod: defaults, the rules of a spec, and what may change later.

Only the rules that Matchfleet's pods can meet are repeated; a field that is not named here is
stored as it came. Image names are not resolved here, a kubelet does that.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from matchfleet_local.cluster.errors import Cause

DEFAULT_GRACE_S = 30
TERMINATION_PATH = "/dev/termination-log"
TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_SPEC_DEFAULTS = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": DEFAULT_GRACE_S,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
    "securityContext": {},
}
_PROBE_DEFAULTS = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_MAX_DEADLINE_S = 2**31 - 1
_IMMUTABLE = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def defaulted(pod: Mapping[str, Any]) -> dict[str, Any]:
    """A pod with the API's defaults."""
    spec = _SPEC_DEFAULTS | {k: v for k, v in (pod.get("spec") or {}).items() if v is not None}
    for field in ("containers", "initContainers"):
        if isinstance(spec.get(field), list):
            spec[field] = [_container(container) for container in spec[field]]
    if isinstance(spec.get("volumes"), list):
        spec["volumes"] = [_volume(volume) for volume in spec["volumes"]]
    return {**pod, "spec": spec}


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    result = {
        "resources": {},
        "terminationMessagePath": TERMINATION_PATH,
        "terminationMessagePolicy": "File",
        "imagePullPolicy": _pull_policy(str(container.get("image", ""))),
        **container,
    }
    for field in ("startupProbe", "readinessProbe", "livenessProbe"):
        if isinstance(result.get(field), dict):
            result[field] = _probe(result[field])
    if isinstance(result.get("ports"), list):
        result["ports"] = [{"protocol": "TCP", **port} for port in result["ports"]]
    if isinstance(result.get("env"), list):
        result["env"] = [_env(entry) for entry in result["env"]]
    return result


def _pull_policy(image: str) -> str:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if (tag and tag != "latest") or "@" in image else "Always"


def _probe(probe: Mapping[str, Any]) -> dict[str, Any]:
    result = _PROBE_DEFAULTS | dict(probe)
    if isinstance(result.get("httpGet"), dict):
        result["httpGet"] = {"path": "/", "scheme": "HTTP", **result["httpGet"]}
    return result


def _env(entry: Mapping[str, Any]) -> dict[str, Any]:
    source = entry.get("valueFrom") or {}
    if "fieldRef" not in source:
        return dict(entry)
    return {**entry, "valueFrom": {"fieldRef": {"apiVersion": "v1", **source["fieldRef"]}}}


def _volume(volume: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(volume)
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(result.get(source), dict):
            result[source] = {"defaultMode": 0o644, **result[source]}
    return result


def first_status(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The status a pod is born with."""
    return {"phase": "Pending", "qosClass": _quality(pod["spec"])}


def _quality(spec: Mapping[str, Any]) -> str:
    """Guaranteed, Burstable or BestEffort, from the first containers' cpu and memory."""
    resources = [c.get("resources") or {} for c in spec.get("containers") or ()]
    if not any(r.get("requests") or r.get("limits") for r in resources):
        return "BestEffort"
    full = all(
        {"cpu", "memory"} <= (r.get("limits") or {}).keys()
        and (r.get("requests") or r["limits"]) == r["limits"]
        for r in resources
    )
    return "Guaranteed" if full else "Burstable"


def check(pod: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What is wrong with a new pod."""
    return tuple(_broken(pod["spec"]))


def _broken(spec: Mapping[str, Any]) -> Iterator[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        yield _required("spec.containers")
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    names: set[str] = set()
    for index, container in enumerate(containers):
        path = f"spec.containers[{index}]"
        yield from _broken_container(container, path, volumes)
        if container.get("name") in names:
            yield Cause(
                f"{path}.name", "FieldValueDuplicate", f'Duplicate value: "{container["name"]}"'
            )
        names.add(container.get("name", ""))
    if spec["restartPolicy"] not in {"Always", "OnFailure", "Never"}:
        yield Cause(
            "spec.restartPolicy",
            "FieldValueNotSupported",
            f'Unsupported value: "{spec["restartPolicy"]}": supported values: '
            '"Always", "OnFailure", "Never"',
        )
    if "activeDeadlineSeconds" in spec:
        yield from _broken_deadline(spec["activeDeadlineSeconds"])


def _broken_container(
    container: Mapping[str, Any], path: str, volumes: set[Any]
) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield _required(f"{path}.name")
    elif not _DNS_LABEL.fullmatch(name):
        yield _invalid(f"{path}.name", f'"{name}"', "a lowercase RFC 1123 label is required")
    if not container.get("image"):
        yield _required(f"{path}.image")
    for number, entry in enumerate(container.get("env") or ()):
        if not _ENV_NAME.fullmatch(str(entry.get("name", ""))):
            yield _invalid(
                f"{path}.env[{number}].name",
                f'"{entry.get("name", "")}"',
                "a valid environment variable name is required",
            )
    for number, port in enumerate(container.get("ports") or ()):
        for field in ("containerPort", "hostPort"):
            value = port.get(field)
            if value is not None and not (isinstance(value, int) and 0 < value < 65536):
                yield _invalid(
                    f"{path}.ports[{number}].{field}",
                    str(value),
                    "must be between 1 and 65535, inclusive",
                )
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            yield Cause(
                f"{path}.volumeMounts[{number}].name",
                "FieldValueNotFound",
                f'Not found: "{mount.get("name")}"',
            )


def _broken_deadline(value: Any) -> Iterator[Cause]:
    if not isinstance(value, int) or not 1 <= value <= _MAX_DEADLINE_S:
        yield _invalid(
            "spec.activeDeadlineSeconds",
            str(value),
            f"must be between 1 and {_MAX_DEADLINE_S}, inclusive",
        )


def check_update(new: Mapping[str, Any], old: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What an update of a pod may not do: almost everything in the spec."""
    spec, before = new["spec"], old["spec"]
    causes = list(_deadline_change(spec, before))
    if not causes and _frozen(spec) != _frozen(before):
        causes.append(Cause("spec", "FieldValueForbidden", _IMMUTABLE))
    return tuple(causes)


def _deadline_change(spec: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Cause]:
    field = "spec.activeDeadlineSeconds"
    now, then = spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")
    if now == then:
        return
    if now is None:
        yield _invalid(field, "null", "must not update from a positive integer to nil value")
        return
    broken = tuple(_broken_deadline(now))
    yield from broken
    if not broken and then is not None and now > then:
        yield _invalid(field, str(now), "must be less than or equal to previous value")


def _frozen(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a spec that can never change."""
    rest = {
        key: value
        for key, value in spec.items()
        if key not in {"activeDeadlineSeconds", "tolerations"}
    }
    for field in ("containers", "initContainers"):
        rest[field] = [
            {key: value for key, value in container.items() if key != "image"}
            for container in spec.get(field) or ()
        ]
    return rest


def grace_s(pod: Mapping[str, Any], asked_s: int | None) -> int:
    """Seconds a deletion gives the pod; 0 means there is nothing to wait for."""
    if not pod["spec"].get("nodeName"):
        return 0
    if (pod.get("status") or {}).get("phase") in TERMINAL_PHASES:
        return 0
    given = asked_s if asked_s is not None else pod["spec"]["terminationGracePeriodSeconds"]
    return int(given) if given >= 0 else 1


def _required(path: str) -> Cause:
    return Cause(path, "FieldValueRequired", "Required value")


def _invalid(path: str, shown: str, message: str) -> Cause:
    return Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {message}")
