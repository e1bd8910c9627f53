"""The Docker engine: one that answers is used, else root gets one of our own.

Ours lives under the cache folder with its own data root and pid file, so that it can be told from
anybody else's, stopped by its pid, and swept after a death in mid-air. The shell looks
(`observe`), `plan` decides, `act` does.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import apt, commands, errors, locks, machine, places, progress

START_TIMEOUT_S = 60
MUTE_AFTER_S = 25
STOP_TIMEOUT_S = 40
SYSTEM_CONTAINERD = Path("/run/containerd/containerd.sock")


@dataclass(frozen=True, slots=True)
class EngineState:
    """What is there before anything is done.

    Attributes:
        answers: A Docker engine answers the client.
        is_root: We may install and start one.
        address_is_set: DOCKER_HOST names an engine: then only that one will do.
        has_programs: Both `docker` and `dockerd` are installed.
        mute: Pids of daemons of ours (dockerd, its containerd) that live but do not answer.
        stale: Files that name processes which are gone.
        foreign: Pid of somebody else's dockerd that lives but does not answer, or 0.
    """

    answers: bool
    is_root: bool
    address_is_set: bool = False
    has_programs: bool = True
    mute: tuple[int, ...] = ()
    stale: tuple[Path, ...] = ()
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class EndProcess:
    """End a daemon of ours that no longer answers."""

    pid: int


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Remove what a dead daemon left."""

    path: Path


@dataclass(frozen=True, slots=True)
class InstallEngine:
    """Install Debian's docker.io without starting its service."""


@dataclass(frozen=True, slots=True)
class StartEngine:
    """Start dockerd on our own data root."""


Action = EndProcess | RemoveFile | InstallEngine | StartEngine


def plan(state: EngineState) -> tuple[Action, ...]:
    """The steps from `state` to an engine that answers.

    Raises:
        MissingPrerequisite: No step of ours can lead there.
    """
    if state.answers:
        return ()
    if state.address_is_set:
        raise errors.MissingPrerequisite(
            "DOCKER_HOST is set but no engine answers there: start it, or unset DOCKER_HOST"
        )
    if not state.is_root:
        raise errors.MissingPrerequisite(
            "no Docker engine answers: start Docker (and let your user use it), or run as root, "
            "which installs and starts one"
        )
    if state.foreign:
        raise errors.MissingPrerequisite(
            f"a Docker engine (pid {state.foreign}) runs but does not answer: restart it"
        )
    ends = tuple(EndProcess(pid) for pid in state.mute)
    sweeps = tuple(RemoveFile(path) for path in state.stale)
    installs = () if state.has_programs else (InstallEngine(),)
    return (*ends, *sweeps, *installs, StartEngine())


@dataclass(frozen=True, slots=True)
class EnginePlaces:
    """Files of the engine that we start."""

    state: Path
    runtime: Path

    @property
    def pid_file(self) -> Path:
        """Written by dockerd itself, so there is no moment in which it runs unknown."""
        return self.state / "dockerd.pid"

    @property
    def data(self) -> Path:
        """Images, containers and volumes."""
        return self.state / "data"

    @property
    def exec_root(self) -> Path:
        """Sockets and run-time state."""
        return self.runtime / "docker"

    @property
    def containerd_pid_file(self) -> Path:
        """The containerd that dockerd starts for itself."""
        return self.exec_root / "containerd" / "containerd.pid"

    @property
    def log(self) -> Path:
        """What dockerd printed."""
        return self.state / "dockerd.log"


def places_of(where: places.Places) -> EnginePlaces:
    """The engine's files below the project's folders."""
    return EnginePlaces(state=where.engine, runtime=where.runtime)


def ensure(where: places.Places, report: progress.Reporter) -> bool:
    """Makes an engine answer; returns whether it is ours.

    Raises:
        MissingPrerequisite: Its message says what the machine's owner has to do.
        NotHealthy: The engine was started and did not answer in time.
    """
    home = places_of(where)
    if not answers():
        with (
            locks.held("engine", where=where, report=report),
            report.step("starting a Docker engine"),
        ):
            for action in plan(observe(home)):
                act(action, home=home, where=where)
    return own_pid(home) is not None


def answers(*, timeout_s: float = 10) -> bool:
    """Whether a Docker engine answers now."""
    if commands.find("docker") is None:
        return False
    said = commands.attempt(
        ["docker", "version", "--format", "{{.Server.Version}}"], timeout_s=timeout_s
    )
    return bool(said and said.strip())


def own_pid(home: EnginePlaces) -> int | None:
    """The pid of our dockerd while it lives."""
    return _living(home.pid_file, mark=str(home.data))


def observe(home: EnginePlaces) -> EngineState:
    """Looks at what is there; waits a little for an engine of ours that is still starting."""
    is_root = os.geteuid() == 0
    deadline = time.monotonic() + MUTE_AFTER_S
    answering = answers()
    while not answering and own_pid(home) and time.monotonic() < deadline:
        time.sleep(1)
        answering = answers()
    if answering:
        return EngineState(answers=True, is_root=is_root)
    ours = own_pid(home), _living(home.containerd_pid_file, mark=str(home.exec_root))
    foreign = _living(Path("/var/run/docker.pid"), mark="dockerd") or 0
    return EngineState(
        answers=False,
        is_root=is_root,
        address_is_set=bool(os.environ.get("DOCKER_HOST")),
        has_programs=all(commands.find(name) for name in ("docker", "dockerd")),
        mute=tuple(pid for pid in ours if pid),
        stale=_stale_files(home),
        foreign=foreign if foreign not in ours else 0,
    )


def act(action: Action, *, home: EnginePlaces, where: places.Places) -> None:
    """Takes one step of a plan."""
    match action:
        case EndProcess(pid):
            end_process(pid, timeout_s=5)
        case RemoveFile(path):
            path.unlink(missing_ok=True)
        case InstallEngine():
            apt.install(_engine_packages(), where=where)
        case StartEngine():
            _start(home)


def stop(where: places.Places) -> bool:
    """Stops the engine that we started, and only that; returns whether there was one."""
    home = places_of(where)
    pid = own_pid(home)
    if pid is None:
        return False
    end_process(pid, timeout_s=STOP_TIMEOUT_S)
    containerd = _living(home.containerd_pid_file, mark=str(home.exec_root))
    if containerd:
        end_process(containerd, timeout_s=5)
    return True


def end_process(pid: int, *, timeout_s: float) -> None:
    """Asks a process to end, and ends it when it has not done so in time."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not _is_running(pid):
                return
            time.sleep(0.1)


def _start(home: EnginePlaces) -> None:
    home.state.mkdir(parents=True, exist_ok=True)
    home.exec_root.mkdir(parents=True, exist_ok=True)
    config = home.state / "daemon.json"
    config.write_text(json.dumps(daemon_config(machine.bounding_set(), shim=_install_shim(home))))
    with home.log.open("ab") as log:
        dockerd = subprocess.Popen(
            [
                str(commands.find("dockerd")),
                f"--config-file={config}",
                f"--data-root={home.data}",
                f"--exec-root={home.exec_root}",
                f"--pidfile={home.pid_file}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and dockerd.poll() is None:
        if answers(timeout_s=5):
            return
        time.sleep(0.3)
    tail = "\n".join(home.log.read_text(errors="replace").splitlines()[-12:])
    raise errors.NotHealthy(f"dockerd did not come up; the end of {home.log}:\n{tail}")


def daemon_config(bounding_set: int, *, shim: Path) -> dict[str, object]:
    """dockerd's settings; the run-time shim only where root itself lacks CAP_SYS_RESOURCE."""
    config: dict[str, object] = {
        "log-driver": "json-file",
        "log-opts": {"max-size": "20m", "max-file": "2"},
    }
    if not machine.has_sys_resource(bounding_set):
        config["runtimes"] = {"bounded": {"path": str(shim)}}
        config["default-runtime"] = "bounded"
    return config


def _install_shim(home: EnginePlaces) -> Path:
    # A copy: the engine outlives the checkout it was started from.
    shim = home.state / "runc-bounded"
    shutil.copy(places.SOURCES / "runc-bounded", shim)
    return shim


def _engine_packages() -> tuple[str, ...]:
    # Debian 13 keeps the client in a package of its own.
    client = commands.attempt(["apt-cache", "show", "docker-cli"])
    return ("docker.io", "iptables", *(("docker-cli",) if client else ()))


def _stale_files(home: EnginePlaces) -> tuple[Path, ...]:
    stale = [
        path
        for path, mark in (
            (home.pid_file, str(home.data)),
            (home.containerd_pid_file, str(home.exec_root)),
        )
        if path.exists() and not _living(path, mark=mark)
    ]
    # dockerd takes the system's containerd for running when its socket merely exists.
    if SYSTEM_CONTAINERD.exists() and not _listens(SYSTEM_CONTAINERD):
        stale.append(SYSTEM_CONTAINERD)
    return tuple(stale)


def _living(pid_file: Path, *, mark: str) -> int | None:
    """The pid in a file if that process lives and its command line holds `mark`."""
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if mark.encode() in command and _is_running(pid) else None


def _is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    # The state follows the name, which is in brackets; a zombie has ended.
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
