import pytest

from tools.install import release

INFO = {
    "context": "kind-x",
    "api_port": 18080,
    "gateway_port": 18443,
    "game_ports": [7100, 7119],
    "image_tag": "dev-1",
    "images": {
        "matchfleet/platform": "p",
        "matchfleet/gameserver": "g",
        "matchfleet/postgres": "a",
        "matchfleet/redis": "b",
        "matchfleet/rabbitmq": "c",
    },
    "kubectl": "/b/kubectl",
    "helm": "/b/helm",
}


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (None, release.Mend.NOTHING),
        ("deployed", release.Mend.NOTHING),
        ("failed", release.Mend.NOTHING),
        ("pending-install", release.Mend.REMOVE),
        ("uninstalling", release.Mend.REMOVE),
        ("pending-upgrade", release.Mend.ROLL_BACK),
        ("pending-rollback", release.Mend.ROLL_BACK),
    ],
)
def test_a_release_that_a_killed_helm_left_is_mended(
    status: str | None, wanted: release.Mend
) -> None:
    assert release.mend(status) is wanted


def test_an_install_plays_on_the_ports_of_its_own_cluster() -> None:
    found = release.values(release.target(INFO), [{"mode": "blitz"}])
    assert found["games"] == {"hostPorts": {"from": 7100, "to": 7119}}
    assert found["gateway"] == {"tls": {"port": 18443}}
    assert found["image"] == {"tag": "dev-1"}
    assert found["queues"] == [{"mode": "blitz"}]


def test_new_code_does_not_restart_the_datastores() -> None:
    found = release.values(release.target(INFO), [])
    tags = [found[store]["image"]["tag"] for store in ("postgres", "redis", "rabbitmq")]
    assert tags == ["a", "b", "c"]
