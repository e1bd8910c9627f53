"""A real API server for tests that say `kube_api`: started once, at the first request.

The Kubernetes program is compiled by `python3 -m tools.cluster kube-binary`, which the verbs that
run these tests call first; a test session never compiles.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cluster import binaries, control_plane, places


@pytest.fixture(scope="session")
def kube_binary() -> Path:
    """The multi-call Kubernetes program."""
    kube = binaries.cached(binaries.KUBE, places.own_places())
    if not kube.exists():
        pytest.fail("Kubernetes is not compiled: run `python3 -m tools.cluster kube-binary`")
    return kube


@pytest.fixture(scope="session")
def kube_api(
    kube_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[control_plane.KubeApi]:
    """A real kube-apiserver, with `url`, `token`, `ca_file`, `kubeconfig` and `kubectl(*words)`."""
    folder = tmp_path_factory.mktemp("control-plane")
    with control_plane.running(folder / "state", kube=kube_binary) as api:
        yield api
