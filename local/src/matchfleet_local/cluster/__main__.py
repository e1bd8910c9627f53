"""Starts the cluster: builds its parts once, serves until SIGTERM, leaves nothing running."""

import asyncio
import datetime
import logging
import os
import secrets
import shutil
import signal
import socket
import ssl
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pydantic_settings
import structlog
from aiohttp import web

from matchfleet_local.cluster import (
    bootstrap,
    certificates,
    controllers,
    errors,
    kinds,
    kubeconfig,
    kubelet,
    launching,
    live,
    pods,
    server,
    settings,
    stamps,
    store,
)

log = structlog.get_logger(__name__)

# What a process inherits from the cluster: enough to find its interpreter, nothing of its secrets.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")

# Clusters of one machine begin their pod addresses far from each other.
_ADDRESS_STRIDE = 257


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)  # noqa: TID251


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """What a pod's process starts from; the cluster's own interpreter comes first in its PATH."""
    kept = {name: environ[name] for name in _INHERITED if name in environ}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', os.defpath)}"}


def _write_private(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)


def _tls(folder: Path, made: certificates.Certificate) -> ssl.SSLContext:
    # The ssl module reads keys from files only; the file goes as soon as it is read.
    path = folder / "tls.pem"
    _write_private(path, made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    path.unlink()
    return context


class Cluster:
    """All parts, built once."""

    def __init__(self, chosen: settings.Settings, http: aiohttp.ClientSession, port: int) -> None:
        self._chosen = chosen
        self._token = secrets.token_urlsafe(32)
        self._live = live.Live(
            store.Store(
                kinds.Kinds(),
                new_uid=lambda: str(uuid.uuid4()),
                # Milliseconds since 1970: a cluster never meets a version of an earlier one.
                first_version=int(_now().timestamp() * 1000),
                history_limit=chosen.history_changes,
            ),
            _now,
        )
        self._controllers = controllers.Controllers(self._live, events_kept_s=chosen.events_kept_s)
        machine = pods.Machine(
            live=self._live,
            root=(chosen.dir / "pods").resolve(),
            images=launching.read_images(chosen.image),
            inherited=_inherited(os.environ),
            http=http,
            kept_logs=chosen.kept_logs,
        )
        self._kubelet = kubelet.Kubelet(machine, address_offset=port * _ADDRESS_STRIDE)
        self._api = server.Api(
            self._live,
            self._kubelet,
            token=self._token,
            bookmark_every_s=chosen.bookmark_every_s,
        )

    def fill(self) -> None:
        """Create the first objects."""
        folder = self._chosen.crds
        definitions = bootstrap.read_definitions(folder) if folder else ()
        node = bootstrap.Node(
            cpus=os.cpu_count() or 1,
            memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        )
        for request in bootstrap.first_requests(definitions, node, stamps.text(_now())):
            self._live.apply(request)

    async def run(self, listener: socket.socket) -> None:
        """Serve until a signal asks to stop."""
        runner = web.AppRunner(self._api.application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        made = certificates.self_signed(self._chosen.host, _now())
        tls = _tls(self._chosen.dir, made)
        await web.SockSite(runner, listener, ssl_context=tls).start()
        host, port = listener.getsockname()[:2]
        url = f"https://{host}:{port}"
        path = self._chosen.dir / "kubeconfig"
        config = kubeconfig.text(
            url, token=self._token, certificate=made.certificate, context=self._chosen.context
        )
        _write_private(path, config.encode())
        log.info("cluster_ready", url=url, kubeconfig=str(path))
        try:
            await self._work_until_stopped()
        finally:
            self._api.close_streams()
            await self._kubelet.stop(self._chosen.stop_within_s)
            await runner.cleanup()
            path.unlink(missing_ok=True)
            log.info("cluster_stopped")

    async def _work_until_stopped(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("stop", _wait(stopped)),
                ("collector", self._controllers.collect()),
                ("event-sweep", self._controllers.sweep()),
                ("scheduler", self._kubelet.schedule()),
            )
        ]
        try:
            # The first to end is the stop signal, or a part that broke and must not be missed.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def _clear(folder: Path) -> None:
    """Remove what a cluster that was killed left: nobody may find its address or its pods."""
    (folder / "kubeconfig").unlink(missing_ok=True)
    shutil.rmtree(folder / "pods", ignore_errors=True)
    (folder / "pods").mkdir(parents=True)


async def _main(chosen: settings.Settings) -> None:
    _clear(chosen.dir)
    with socket.create_server((chosen.host, chosen.port)) as listener:
        async with aiohttp.ClientSession() as http:
            cluster = Cluster(chosen, http, listener.getsockname()[1])
            cluster.fill()
            await cluster.run(listener)


def _set_up_logs() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def main() -> int:
    """Run the process."""
    _set_up_logs()
    chosen = pydantic_settings.CliApp.run(settings.Settings)
    try:
        asyncio.run(_main(chosen))
    except (errors.ClusterError, errors.ApiError, OSError, ValueError) as error:
        log.error("cluster_failed", error=str(error))  # noqa: TRY400
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
