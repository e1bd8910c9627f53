"""One pod's worker: looks at the pod, asks `podlife` what to do, does it, reports. Nothing else.

The worker wakes when its pod, its configuration, its process or a probe changes, and when the
plan said so. It never decides; a rule that is missing here belongs into `podlife`.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import signal
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from matchfleet_local.cluster import (
    configuration,
    kinds,
    launching,
    podfiles,
    podlife,
    podstatus,
    probes,
    probing,
    processes,
    requests,
    volumes,
)
from matchfleet_local.cluster.live import Live

log = structlog.get_logger(__name__)

Pod = Mapping[str, Any]
_FORCED_GRACE_S = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """What all pods of this node share.

    Attributes:
        kept_logs: how many gone pods keep their log.
    """

    live: Live
    root: Path
    images: launching.Images
    inherited: Mapping[str, str]
    http: aiohttp.ClientSession
    kept_logs: int


class _Configuration:
    """The config maps and secrets of one namespace."""

    def __init__(self, live: Live, namespace: str) -> None:
        self._live = live
        self._namespace = namespace

    def config_map(self, name: str) -> Pod | None:
        return self._live.store.read(requests.Ref(kinds.CONFIG_MAPS, self._namespace, name))

    def secret(self, name: str) -> Pod | None:
        return self._live.store.read(requests.Ref(kinds.SECRETS, self._namespace, name))


class Worker:
    """Takes one pod from its binding to its end."""

    def __init__(self, machine: Machine, pod: Pod, address: str) -> None:
        self._machine = machine
        self._ref = requests.Ref(kinds.PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
        self._uid = pod["metadata"]["uid"]
        self._pod = pod
        self._place = launching.Place(
            podfiles.directory(machine.root, pod), address, machine.inherited
        )
        self._seen = podlife.Seen(address=address)
        self._child: processes.Child | None = None
        self._probes: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._log = log.bind(pod=self._ref.name, namespace=self._ref.namespace, uid=self._uid)

    @property
    def address(self) -> str:
        """The pod's own address."""
        return self._place.address

    @property
    def is_running(self) -> bool:
        """Whether its process is alive."""
        return self._child is not None

    def wake(self) -> None:
        """Something about the pod changed."""
        self._woken.set()

    def reconfigure(self) -> None:
        """A config map or secret of its namespace changed."""
        if isinstance(self._seen.process, podlife.Blocked):
            self._see(process=podlife.NotStarted())
        elif self.is_running:
            self._write_volumes()
        self.wake()

    async def run(self) -> None:
        """Live as long as the pod."""
        podfiles.prepare(self._place)
        try:
            while (pod := self._current()) is not None:
                self._pod = pod
                self._woken.clear()
                await self._step(pod)
            await self._end_orphan()
        except Exception:
            # Nobody would ever end this process again.
            self._send(signal.SIGKILL)
            raise
        finally:
            self._stop_probes()
        podfiles.clear(self._place.directory, keep=self._machine.kept_logs)

    async def stop(self, within_s: float) -> None:
        """End the process because the cluster ends."""
        if self._child is None:
            return
        grace_s = float(self._pod["spec"].get("terminationGracePeriodSeconds", within_s))
        await self._end_child(min(grace_s, within_s))

    def _current(self) -> Pod | None:
        pod = self._machine.live.store.read(self._ref)
        return pod if pod is not None and pod["metadata"]["uid"] == self._uid else None

    async def _step(self, pod: Pod) -> None:
        now = self._machine.live.clock()
        plan = podlife.plan(pod, self._seen, now)
        removals = [action for action in plan.actions if isinstance(action, podlife.Remove)]
        for action in plan.actions:
            self._do(action, now)
        self._report(pod)
        if removals:
            self._remove()
        if not any(isinstance(a, podlife.Start | podlife.Stop) for a in plan.actions):
            await self._sleep_until(plan.wake_at)

    async def _sleep_until(self, wake_at: datetime.datetime | None) -> None:
        left_s = None
        if wake_at is not None:
            left_s = max(0.0, (wake_at - self._machine.live.clock()).total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await self._woken.wait()

    # ---- doing ------------------------------------------------------------------------------

    def _do(self, action: podlife.Action, now: datetime.datetime) -> None:
        match action:
            case podlife.Start():
                self._start(now)
            case podlife.Stop(reason=reason):
                self._log.info("pod_stopping", reason=str(reason))
                self._see(stopping=podlife.Stopping(reason, now))
                self._send(signal.SIGTERM)
            case podlife.Kill():
                self._log.info("pod_killed")
                self._send(signal.SIGKILL)
            case podlife.Remove():
                pass

    def _start(self, now: datetime.datetime) -> None:
        before = self._seen.process
        if isinstance(before, podlife.Exited):
            self._see(last=before, restarts=self._seen.restarts + 1)
        try:
            checks = self._checks()
            self._child = self._spawn()
        except (configuration.NotReady, probing.UnknownProbe, OSError) as error:
            reason = getattr(error, "reason", "CreateContainerError")
            self._log.warning("pod_not_startable", reason=reason, error=str(error))
            self._see(process=podlife.Blocked(reason, str(error), now))
            return
        self._see(
            process=podlife.Running(now),
            health=podlife.Health(
                started=checks["startupProbe"] is None, ready=checks["readinessProbe"] is None
            ),
            stopping=None,
        )
        self._log.info("pod_started", pid=self._child.pid, address=self.address)
        self._begin(self._probe(checks))

    def _spawn(self) -> processes.Child:
        how = launching.launch(
            self._pod,
            self._machine.images,
            lookup=_Configuration(self._machine.live, self._ref.namespace),
            place=self._place,
        )
        podfiles.prepare(self._place)
        for name, files in how.volumes.items():
            podfiles.write_volume(self._place.volume(name), files)
        return processes.Child(
            how.argv,
            env=how.env,
            cwd=how.cwd,
            log=podfiles.log_file(self._place.directory, self._pod),
            on_exit=self._exited,
        )

    def _write_volumes(self) -> None:
        lookup = _Configuration(self._machine.live, self._ref.namespace)
        try:
            files = volumes.files(self._pod, lookup=lookup)
        except configuration.NotReady as error:
            # A running process keeps the files it has, as in a real pod.
            self._log.warning("volume_not_refreshed", error=str(error))
            return
        for volume in self._pod["spec"].get("volumes") or ():
            if "emptyDir" not in volume:
                podfiles.write_volume(self._place.volume(volume["name"]), files[volume["name"]])

    def _exited(self, code: int) -> None:
        container = self._pod["spec"]["containers"][0]
        policy = container.get("terminationMessagePolicy", "File")
        path = podfiles.log_file(self._place.directory, self._pod)
        process = self._seen.process
        now = self._machine.live.clock()
        started_at = process.started_at if isinstance(process, podlife.Running) else now
        message = podfiles.message(self._place, path, policy, code)
        self._child = None
        self._see(process=podlife.Exited(code, started_at, now, message))
        self._log.info("pod_exited", code=code)
        self._stop_probes()
        self.wake()

    def _send(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.send(number)

    async def _end_orphan(self) -> None:
        """The pod was deleted by force: its process may not stay."""
        await self._end_child(_FORCED_GRACE_S)

    async def _end_child(self, grace_s: float) -> None:
        self._send(signal.SIGTERM)
        for number, patience_s in ((signal.SIGKILL, grace_s), (signal.SIGKILL, 5.0)):
            if await self._has_exited(patience_s):
                return
            self._send(number)
        await self._has_exited(5.0)

    async def _has_exited(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._child is not None:
                    self._woken.clear()
                    await self._woken.wait()
        return self._child is None

    # ---- probes -----------------------------------------------------------------------------

    def _checks(self) -> dict[str, probing.Check | None]:
        container = self._pod["spec"]["containers"][0]
        names = ("startupProbe", "readinessProbe", "livenessProbe")
        return {name: probing.read(container, name) for name in names}

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._probes.add(task)
        task.add_done_callback(self._probes.discard)

    def _stop_probes(self) -> None:
        for task in self._probes:
            task.cancel()

    async def _probe(self, checks: Mapping[str, probing.Check | None]) -> None:
        startup = checks["startupProbe"]
        if startup is not None:
            started = await probes.passed(startup, self.address, self._machine.http)
            self._judge(started=started, alive=started)
            if not started:
                return
        for name, verdict, told in (
            ("readinessProbe", False, self._told_ready),
            ("livenessProbe", True, self._told_alive),
        ):
            check = checks[name]
            if check is not None:
                self._begin(self._run_probe(check, verdict=verdict, told=told))

    async def _run_probe(
        self, check: probing.Check, *, verdict: bool, told: Callable[[bool], None]
    ) -> None:
        await probes.run(check, self.address, self._machine.http, verdict=verdict, told=told)

    def _told_ready(self, verdict: bool) -> None:
        self._judge(ready=verdict)

    def _told_alive(self, verdict: bool) -> None:
        self._judge(alive=verdict)

    def _judge(self, **verdicts: bool) -> None:
        self._log.info("pod_health", **verdicts)
        self._see(health=dataclasses.replace(self._seen.health, **verdicts))
        self.wake()

    # ---- reporting --------------------------------------------------------------------------

    def _see(self, **news: Any) -> None:
        self._seen = dataclasses.replace(self._seen, **news)

    def _report(self, pod: Pod) -> None:
        status = podstatus.status(pod, self._seen, self._machine.live.clock())
        if status != pod.get("status"):
            body = {**pod, "status": status}
            self._machine.live.apply(requests.Replace(self._ref, body, "status"))

    def _remove(self) -> None:
        options = requests.DeleteOptions(grace_s=0, uid=self._uid)
        self._machine.live.apply(requests.Delete(self._ref, options))
