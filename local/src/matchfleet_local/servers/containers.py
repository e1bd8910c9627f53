"""The servers as containers, for whoever may not install programs but may use Docker.

The container is a child like any other: `docker run` stays in front, passes signals on, and ends
with it. Docker's daemon, however, would let a container outlive us, so the container watches its
standard input, which ends when the client that started it does, and then stops its server. The
data is in a volume: each start is a new container on the old data. Passwords are handed over in a
file, never among the arguments.
"""

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matchfleet_local.servers import packages, recipes

ANSWER_WITHIN_S = 10.0
PULL_WITHIN_S = 600.0
SCRIPT = """
exec 3<&0
if [ -n "$CONFIGURATION" ]; then
  printf '%s\\n' "$CONFIGURATION" | "$@" &
else
  "$@" < /dev/null &
fi
server=$!
trap 'kill -s "$STOP_SIGNAL" $server' TERM INT
(cat <&3 > /dev/null; kill -s TERM $$) &
wait $server
wait $server
"""
"""`wait` twice: the first one ends when the trap is sprung."""


@dataclass(frozen=True, slots=True)
class Image:
    """A published image of a server.

    Attributes:
        reference: its name in a registry.
        entrypoint: the program that makes it ready and becomes the server; may be empty.
        data: the folder that its data is in.
        port: where the server listens inside.
        user: who it runs as, where its entrypoint does not see to that.
    """

    reference: str
    entrypoint: str
    data: str
    port: int
    user: str = ""


OFFICIAL: Mapping[packages.ServerName, Image] = {
    "postgres": Image("postgres:17", "docker-entrypoint.sh", "/var/lib/postgresql/data", 5432),
    "redis": Image("redis:8", "", "/data", 6379, user="redis"),
    "rabbitmq": Image("rabbitmq:4.0", "docker-entrypoint.sh", "/var/lib/rabbitmq", 5672),
}


@dataclass(frozen=True, slots=True)
class Service:
    """What one server is told.

    Attributes:
        name: the server's name.
        command: what the entrypoint is asked to run.
        stop_signal: ends the server in good order.
        environment: variables, secret ones among them.
        configuration: text for the server's standard input; empty for none.
    """

    name: packages.ServerName
    command: Sequence[str]
    stop_signal: signal.Signals
    environment: Mapping[str, str] = field(default_factory=dict)
    configuration: str = ""


def service(name: packages.ServerName, password: str) -> Service:
    """The service that stands in for the program of that name."""
    match name:
        case "postgres":
            command: tuple[str, ...] = (
                "postgres",
                "-c",
                "max_connections=200",
                "-c",
                "shared_buffers=32MB",
            )
            told = {"POSTGRES_USER": recipes.USER, "POSTGRES_PASSWORD": password}
            return Service(name, command, signal.SIGINT, environment=told)
        case "redis":
            command = ("redis-server", "-", "--dir", "/data", "--appendonly", "yes")
            secret = f"requirepass {password}"
            return Service(name, command, signal.SIGTERM, configuration=secret)
        case "rabbitmq":
            told = {"RABBITMQ_DEFAULT_USER": recipes.USER, "RABBITMQ_DEFAULT_PASS": password}
            return Service(name, ("rabbitmq-server",), signal.SIGTERM, environment=told)


def name_for(home: Path) -> str:
    """The name of a server's container and volume; another directory has others."""
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return f"matchfleet-{home.name}-{digest}"


def recipe(docker: Path, home: Path, image: Image, *, what: Service, port: int) -> recipes.Recipe:
    """Plan a server as a container that listens on a loopback port."""
    name = name_for(home)
    told = {
        **what.environment,
        "CONFIGURATION": what.configuration,
        "STOP_SIGNAL": what.stop_signal.name.removeprefix("SIG"),
    }
    user = ("--user", image.user) if image.user else ()
    entrypoint = (image.entrypoint,) if image.entrypoint else ()
    environment = client_environment(os.environ)

    def client(*words: str) -> recipes.Command:
        return recipes.Command((str(docker), *words), environment)

    run = (
        *("run", "--rm", "--interactive", "--init", "--name", name),
        *("--hostname", "matchfleet", "--env-file", str(home / "environment"), *user),
        *("--publish", f"{recipes.LOOPBACK}:{port}:{image.port}"),
        *("--volume", f"{name}:{image.data}", "--entrypoint", "sh"),
        *(image.reference, "-c", SCRIPT, "sh", *entrypoint, *what.command),
    )
    return recipes.Recipe(
        name=what.name,
        home=home,
        files={"environment": "".join(f"{key}={value}\n" for key, value in told.items())},
        prepare=(),
        serve=client(*run),
        port=port,
        stop_signal=signal.SIGTERM,
        leash_signal=signal.SIGKILL,
        ready_within_s=120.0,
        stop_within_s=30.0,
        holds_input=True,
        before=(client("rm", "--force", name),),
        crash=client("kill", name),
        erase=(client("rm", "--force", name), client("volume", "rm", "--force", name)),
    )


def rabbitmq_control(docker: Path, home: Path, erlang: str) -> recipes.Command:
    """Evaluate Erlang in a contained RabbitMQ, with the tool that is in the image."""
    words = ("exec", name_for(home), "rabbitmqctl", "eval", erlang)
    return recipes.Command((str(docker), *words), client_environment(os.environ))


def client_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What Docker's client needs to find its daemon."""
    wanted = ("HOME", "XDG_RUNTIME_DIR")
    return {
        name: value
        for name, value in environment.items()
        if name in wanted or name.startswith("DOCKER_")
    }


def find_docker() -> Path | None:
    """Docker's client, when a daemon answers us."""
    found = shutil.which("docker")
    if not found or not _succeeds((found, "version"), within_s=ANSWER_WITHIN_S):
        return None
    return Path(found)


def ensure_image(docker: Path, image: Image) -> bool:
    """Whether the image is here, pulled if need be."""
    return _succeeds(
        (str(docker), "image", "inspect", image.reference), within_s=ANSWER_WITHIN_S
    ) or _succeeds((str(docker), "pull", "--quiet", image.reference), within_s=PULL_WITHIN_S)


def _succeeds(command: Sequence[str], *, within_s: float) -> bool:
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=within_s,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0
