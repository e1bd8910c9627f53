"""A Helm release on a kind cluster: installed or upgraded, whatever state the last run left.

A `helm` that was killed leaves its release locked ("another operation is in progress"); what is to
be done about that is decided by `mend`, from the state that Helm reports.
"""

import enum
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cluster import errors

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "matchfleet"
QUEUES = (
    ROOT / "local" / "src" / "matchfleet_local" / "demo" / "queues.json",
    # For the Fleets that only a cluster has.
    ROOT / "tools" / "install" / "queues.json",
)
PRIVILEGED_BECAUSE = "HostPort Fleets take node ports, which the stricter levels forbid"
RELEASE = "matchfleet"
NAMESPACE = "matchfleet"
INSTALL_TIMEOUT_S = 420
DATASTORES = ("postgres", "redis", "rabbitmq")


class Mend(enum.Enum):
    """What to do with a release before it can be upgraded."""

    NOTHING = "nothing"
    REMOVE = "remove"
    ROLL_BACK = "roll back"


def mend(status: str | None) -> Mend:
    """What a release in Helm's `status` needs; None when there is none."""
    match status:
        case None | "deployed" | "superseded" | "failed":
            return Mend.NOTHING
        case "pending-upgrade" | "pending-rollback":
            return Mend.ROLL_BACK
        case _:
            return Mend.REMOVE


@dataclass(frozen=True, slots=True)
class Target:
    """A cluster and the tools for it, as `python3 -m tools.cluster info` tells them."""

    context: str
    api_port: int
    gateway_port: int
    game_ports: tuple[int, int]
    image_tag: str
    image_tags: dict[str, str]
    kubectl: str
    helm: str

    @property
    def api_url(self) -> str:
        """Where the API answers on this machine."""
        return f"http://127.0.0.1:{self.api_port}"


def target(info: dict[str, Any]) -> Target:
    """The part of a cluster's description that an install needs."""
    first, last = info["game_ports"]
    return Target(
        context=info["context"],
        api_port=info["api_port"],
        gateway_port=info["gateway_port"],
        game_ports=(first, last),
        image_tag=info["image_tag"],
        image_tags=info["images"],
        kubectl=info["kubectl"],
        helm=info["helm"],
    )


def values(where: Target, queues: list[dict[str, Any]]) -> dict[str, Any]:
    """What this cluster's install says beyond the chart's kind values."""
    first, last = where.game_ports
    # The datastores go by their own content, so that new code does not restart them.
    stores = {
        store: {"image": {"tag": where.image_tags[f"matchfleet/{store}"]}} for store in DATASTORES
    }
    return {
        "image": {"tag": where.image_tag},
        "gateway": {"tls": {"port": where.gateway_port}},
        "games": {"hostPorts": {"from": first, "to": last}},
        "queues": queues,
    } | stores


def all_queues() -> list[dict[str, Any]]:
    """Every queue of an install on kind."""
    return [queue for file in QUEUES for queue in json.loads(file.read_text())["queues"]]


def install(where: Target) -> bool:
    """Installs or upgrades the release and waits until every process is ready; True if it is new.

    Raises:
        errors.ClusterError: with what Helm said and what the pods say.
    """
    _prepare_namespace(where)
    # Helm installs a chart's crds/ once and never upgrades them.
    _kubectl(where, "apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    _mend(where)
    is_new = _status(where) is None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.json"
        file.write_text(json.dumps(values(where, all_queues())))
        _helm(
            where,
            *("upgrade", "--install", RELEASE, str(CHART), "--namespace", NAMESPACE),
            *("--values", str(CHART / "ci" / "kind-values.yaml"), "--values", str(file)),
            *("--wait", "--timeout", f"{INSTALL_TIMEOUT_S}s"),
        )
    return is_new


def admin_token(where: Target) -> str:
    """The token of the admin routes, as the keys hook made it."""
    return _kubectl(
        where,
        *("get", "secret", f"{RELEASE}-admin", "--namespace", NAMESPACE),
        *("-o", "go-template={{.data.token | base64decode}}"),
    )


def _prepare_namespace(where: Target) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {
                "pod-security.kubernetes.io/enforce": "privileged",
                # Everything else keeps to it, and who does not is told.
                "pod-security.kubernetes.io/warn": "restricted",
            },
            "annotations": {"matchfleet.dev/privileged-because": PRIVILEGED_BECAUSE},
        },
    }
    _kubectl(where, "apply", "-f", "-", stdin=json.dumps(manifest))


def _mend(where: Target) -> None:
    match mend(_status(where)):
        case Mend.REMOVE:
            _helm(where, "uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks", "--wait")
        case Mend.ROLL_BACK:
            _helm(where, "rollback", RELEASE, "--namespace", NAMESPACE, "--wait")
        case Mend.NOTHING:
            pass


def _status(where: Target) -> str | None:
    found = json.loads(
        _helm(
            where,
            *("list", "--all", "--namespace", NAMESPACE, "--filter", f"^{RELEASE}$"),
            *("--output", "json"),
        )
    )
    return str(found[0]["status"]) if found else None


def _helm(where: Target, *words: str) -> str:
    try:
        return _run(where.helm, "--kube-context", where.context, *words)
    except errors.ClusterError as failure:
        if words[0] != "upgrade":
            raise
        raise errors.ClusterError(f"{failure}\n{_pods(where)}") from failure


def _pods(where: Target) -> str:
    pods = _kubectl(where, "get", "pods,jobs", "--namespace", NAMESPACE, "-o", "wide")
    events = _kubectl(
        where,
        *("get", "events", "--namespace", NAMESPACE, "--field-selector", "type=Warning"),
        *("--sort-by", ".lastTimestamp"),
    )
    return f"{pods}\n" + "\n".join(events.splitlines()[-15:])


def _kubectl(where: Target, *words: str, stdin: str | None = None) -> str:
    return _run(where.kubectl, "--context", where.context, *words, stdin=stdin)


def _run(*words: str, stdin: str | None = None) -> str:
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise errors.ClusterError(
            f"{Path(words[0]).name} {' '.join(words[3:6])} failed:\n{done.stderr.strip()}"
        )
    return done.stdout.strip()
