"""The cluster as a process: what it leaves, what it finds, and what it says."""

import pathlib
import re
import signal
import subprocess
import sys

import kube_http
import local_cluster as clusters
import pytest

pytestmark = pytest.mark.local


async def test_writes_are_counted_under_the_names_of_the_real_server(
    local_cluster: clusters.StartCluster,
) -> None:
    cluster = local_cluster()
    maps = "/api/v1/namespaces/default/configmaps"
    async with kube_http.session(cluster) as kube:
        await kube.made(maps, {"metadata": {"name": "a"}})
        await kube.create(maps, {"metadata": {"name": "a"}})
        await kube.merge(f"{maps}/a", {"data": {"k": "v"}})
        text = await kube.text("/metrics")
    counted = re.findall(
        r'^apiserver_request_total\{code="(\d+)".*resource="configmaps".*verb="(\w+)".*\} (\d)',
        text,
        flags=re.MULTILINE,
    )
    assert sorted(counted) == [("200", "PATCH", "1"), ("201", "POST", "1"), ("409", "POST", "1")]


def test_a_stopped_cluster_leaves_no_key_no_token_and_no_address(
    local_cluster: clusters.StartCluster,
) -> None:
    cluster = local_cluster()
    assert cluster.kubeconfig.stat().st_mode & 0o077 == 0
    assert cluster.stop() == 0
    assert sorted(path.name for path in cluster.folder.iterdir()) == ["cluster.log", "pods"]
    assert cluster.token not in cluster.log()


async def test_a_cluster_starts_where_another_was_killed(tmp_path: pathlib.Path) -> None:
    killed = clusters.LocalCluster(tmp_path)
    killed.stop(signal.SIGKILL)
    (tmp_path / "pods" / "old" / "work").mkdir(parents=True)
    stale = killed.kubeconfig.read_text()
    # What waits for the new address must not find the old one.
    cluster = clusters.LocalCluster(tmp_path, stale=stale)
    try:
        assert not (tmp_path / "pods" / "old").exists()
        async with kube_http.session(cluster) as kube:
            assert (await kube.get("/api/v1/namespaces/default")).code == 200
    finally:
        cluster.stop()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--image", "nonsense"), "NAME=COMMAND"),
        (("--crds", "{crds}/examples"), "CustomResourceDefinitions only"),
    ],
)
def test_a_bad_option_is_refused_with_a_sentence(
    tmp_path: pathlib.Path, options: tuple[str, str], said: str
) -> None:
    given = [option.format(crds=clusters.CRDS) for option in options]
    command = [sys.executable, "-m", "matchfleet_local.cluster", "--dir", str(tmp_path), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert said in done.stderr
