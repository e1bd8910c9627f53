"""The local cluster for tests: its own process, once per session or once per test.

local_api       the session's cluster, for tests that keep to a namespace of their own
local_cluster   makes a cluster of the test's own, with options; all are ended with the test
"""

import contextlib
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import pytest
import yaml

CRDS = pathlib.Path(__file__).parents[2] / "crds"
_START_WITHIN_S = 120


class LocalCluster:
    """A running cluster process."""

    def __init__(self, folder: pathlib.Path, *options: str, stale: str = "") -> None:
        self._stale = stale
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._log = (folder / "cluster.log").open("ab")
        command = (sys.executable, "-m", "matchfleet_local.cluster", "--dir", str(folder))
        self.process = subprocess.Popen(
            (*command, *options), stdout=self._log, stderr=subprocess.STDOUT
        )
        self._await_start()
        config = yaml.safe_load(self.kubeconfig.read_text())
        self.url: str = config["clusters"][0]["cluster"]["server"]
        self.token: str = config["users"][0]["user"]["token"]

    def _await_start(self) -> None:
        give_up_at = time.monotonic() + _START_WITHIN_S
        while not self._is_announced():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                self.stop()
                raise RuntimeError(f"the cluster did not start:\n{self.log()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def _is_announced(self) -> bool:
        try:
            return self.kubeconfig.read_text() != self._stale
        except FileNotFoundError:
            return False

    def log(self) -> str:
        """What the process wrote so far."""
        return (self.folder / "cluster.log").read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the process and wait for it; its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._log.close()


StartCluster = Callable[..., LocalCluster]


@contextlib.contextmanager
def clusters() -> Iterator[StartCluster]:
    """Starts clusters, and ends them all."""
    with contextlib.ExitStack() as stack:

        def start(*options: str) -> LocalCluster:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="matchfleet-cluster-"))
            cluster = LocalCluster(pathlib.Path(folder), *options)
            stack.callback(lambda: cluster.process.poll() is None and cluster.stop())
            return cluster

        yield start


@pytest.fixture(scope="session")
def local_api() -> Iterator[LocalCluster]:
    """The session's cluster, with Matchfleet's own definitions."""
    with clusters() as start:
        yield start("--crds", str(CRDS))


@pytest.fixture
def local_cluster() -> Iterator[StartCluster]:
    """Starts clusters of the test's own."""
    with clusters() as start:
        yield start
