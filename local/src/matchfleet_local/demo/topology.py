"""Which processes make up the product on one machine, and how they find each other.

A table and nothing else: name, command, environment, when it is ready. It is the local counterpart
of the Helm chart, so a process that is added there is added here.
"""

from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
NAMESPACE = "default"
GAMESERVER_IMAGE = "matchfleet/gameserver:dev"
FIRST_QUEUE = "airhockey/blitz"
CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Files:
    """Where the demo keeps what processes read and write; all below one private directory."""

    directory: Path

    @property
    def keys(self) -> Path:
        """Signing keys, public keys and the admin token, as `matchfleet_api keys` writes them."""
        return self.directory / "keys"

    @property
    def admin_token(self) -> Path:
        """The token of `/v1/admin/*`."""
        return self.keys / "admin-token"

    @property
    def operator_public_keys(self) -> Path:
        """What a game server verifies assignments with."""
        return self.keys / "operator-public.json"

    @property
    def queues(self) -> Path:
        """The queues that players may join."""
        return self.directory / "queues.json"

    @property
    def cluster(self) -> Path:
        """The local cluster's own: its kubeconfig, and the logs and files of pods."""
        return self.directory / "cluster"

    @property
    def kubeconfig(self) -> Path:
        """How to reach the local cluster: for every process, and for kubectl."""
        return self.cluster / "kubeconfig"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.directory / "logs"

    @property
    def datastores(self) -> Path:
        """The servers' own private directory."""
        return self.directory / "datastores"


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports of everything that listens; `metrics` by process name."""

    cluster: int
    api: int
    bots: int
    metrics: dict[str, int]


@dataclass(frozen=True, slots=True)
class Datastores:
    """Addresses of the three servers."""

    postgres_dsn: str
    redis_url: str
    rabbitmq_url: str


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the product.

    Attributes:
        name: ours, for people and for log files.
        arguments: what follows the interpreter.
        environment: added to ours.
        ready_url: answers 200 once it is ready.
        ready_file: is there once it is ready; one of both is set unless it runs once and ends.
        metrics_url: where its metrics are, if it has any.
        ready_within_s: how long its start may take.
        may_restart: whether a crash is repaired by starting it again.
    """

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    ready_url: str | None = None
    ready_file: Path | None = None
    metrics_url: str | None = None
    ready_within_s: float = 90.0
    may_restart: bool = True


SERVED = ("api", "matchmaker", "operator", "ranking", "analytics", "jobs", "bots")
"""Every long-running process but the cluster, in the order of their tale."""
_MODULES: dict[str, tuple[str, ...]] = {
    "api": ("matchfleet_api", "serve"),
    "matchmaker": ("matchfleet_api", "matchmaker"),
    "operator": ("matchfleet_operator",),
    "ranking": ("matchfleet_workers", "ranking"),
    "analytics": ("matchfleet_workers", "analytics"),
    "jobs": ("matchfleet_workers", "jobs"),
    "bots": ("matchfleet_bots",),
}

_POSTGRES, _REDIS, _RABBITMQ = (
    "MATCHFLEET_POSTGRES_DSN",
    "MATCHFLEET_REDIS_URL",
    "MATCHFLEET_RABBITMQ_URL",
)
_KUBERNETES = ("MATCHFLEET_KUBECONFIG", "MATCHFLEET_NAMESPACE")
_NEEDS: dict[str, tuple[str, ...]] = {
    "api": (_POSTGRES, _REDIS, _RABBITMQ, *_KUBERNETES),
    "matchmaker": (_POSTGRES, _REDIS, _RABBITMQ, *_KUBERNETES),
    "operator": (_RABBITMQ, *_KUBERNETES),
    "ranking": (_POSTGRES, _REDIS, _RABBITMQ),
    "analytics": (_POSTGRES, _RABBITMQ),
    "jobs": (_POSTGRES, _REDIS, _RABBITMQ),
    "bots": (),
}

READ_KEYS = frozenset({"api", "operator"})
"""Those that read key files at their start."""
USE_CLUSTER = frozenset(name for name, needs in _NEEDS.items() if _KUBERNETES[0] in needs)
"""Those that read the kubeconfig at their start."""


def keys(files: Files) -> Process:
    """Makes what signs and verifies; runs once."""
    arguments = ("-m", "matchfleet_api", "keys", "--directory", str(files.keys))
    return Process("keys", arguments, {})


def cluster(files: Files, ports: Ports, *, crds: Path) -> Process:
    """The Kubernetes API in memory, with pods as its child processes."""
    arguments = (
        *("-m", "matchfleet_local.cluster"),
        *("--dir", str(files.cluster)),
        *("--port", str(ports.cluster)),
        *("--crds", str(crds)),
        *("--image", f"{GAMESERVER_IMAGE}=python -m matchfleet_gameserver"),
    )
    return Process(
        CLUSTER,
        arguments,
        {},
        # It is written once the cluster answers, and says how.
        ready_file=files.kubeconfig,
        metrics_url=f"https://{LOOPBACK}:{ports.cluster}/metrics",
        # All that it knows is in its memory: one that is started again is another cluster.
        may_restart=False,
    )


def migrations(stores: Datastores) -> Process:
    """Brings PostgreSQL to the schema; runs once."""
    return Process(
        "migrations",
        ("-m", "matchfleet_api", "migrate"),
        {"MATCHFLEET_POSTGRES_DSN": stores.postgres_dsn, "MATCHFLEET_LOG_FORMAT": "console"},
    )


def api_url(ports: Ports) -> str:
    """The address for players."""
    return f"http://{LOOPBACK}:{ports.api}"


def bots_address(ports: Ports) -> str:
    """The bot service's gRPC address."""
    return f"{LOOPBACK}:{ports.bots}"


def served(name: str, files: Files, ports: Ports, stores: Datastores) -> Process:
    """One of the long-running processes."""
    metrics = f"http://{LOOPBACK}:{ports.metrics[name]}"
    asked = f"{metrics}/readyz" if name != "api" else f"{api_url(ports)}/readyz"
    return Process(
        name,
        ("-m", *_MODULES[name]),
        _common(name, files, ports, stores) | _own(name, files, ports),
        ready_url=asked,
        metrics_url=f"{metrics}/metrics",
    )


def _common(name: str, files: Files, ports: Ports, stores: Datastores) -> dict[str, str]:
    known = {
        "MATCHFLEET_POSTGRES_DSN": stores.postgres_dsn,
        "MATCHFLEET_REDIS_URL": stores.redis_url,
        "MATCHFLEET_RABBITMQ_URL": stores.rabbitmq_url,
        "MATCHFLEET_KUBECONFIG": str(files.kubeconfig),
        "MATCHFLEET_NAMESPACE": NAMESPACE,
    }
    return {variable: known[variable] for variable in _NEEDS[name]} | {
        "MATCHFLEET_HOST": LOOPBACK,
        "MATCHFLEET_METRICS_HOST": LOOPBACK,
        "MATCHFLEET_METRICS_PORT": str(ports.metrics[name]),
        "MATCHFLEET_LOG_FORMAT": "console",
    }


def _own(name: str, files: Files, ports: Ports) -> dict[str, str]:
    match name:
        case "api":
            return {
                "MATCHFLEET_PORT": str(ports.api),
                "MATCHFLEET_API_SIGNING_KEYS": str(files.keys / "api-signing.json"),
                "MATCHFLEET_ADMIN_TOKEN_FILE": str(files.admin_token),
                "MATCHFLEET_QUEUES_FILE": str(files.queues),
            }
        case "matchmaker":
            return {"MATCHFLEET_QUEUES_FILE": str(files.queues)}
        case "operator":
            return {
                "MATCHFLEET_HEALTH_PORT": str(ports.metrics["operator-health"]),
                "MATCHFLEET_OPERATOR_SIGNING_KEYS": str(files.keys / "operator-signing.json"),
                "MATCHFLEET_API_PUBLIC_KEYS": str(files.keys / "api-public.json"),
            }
        case "bots":
            return {"MATCHFLEET_PORT": str(ports.bots)}
        case _:
            return {}


def listeners() -> tuple[str, ...]:
    """Names of everything that needs a port."""
    return ("cluster", "api-port", "bots-port", "operator-health", *SERVED)


def ports(chosen: tuple[int, ...]) -> Ports:
    """Give each of `listeners()` its port."""
    by_name = dict(zip(listeners(), chosen, strict=True))
    return Ports(
        cluster=by_name.pop("cluster"),
        api=by_name.pop("api-port"),
        bots=by_name.pop("bots-port"),
        metrics=by_name,
    )
