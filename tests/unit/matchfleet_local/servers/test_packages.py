"""Where the servers come from is decided from what is there and what is allowed."""

from pathlib import Path

import pytest

from matchfleet_local.servers import packages

PG, RD, MQ = Path("/pg/postgres"), Path("/rd/redis-server"), Path("/mq/rabbitmq-server")


def test_what_is_installed_is_used_as_it_is() -> None:
    found = {"postgres": PG, "redis": RD, "rabbitmq": MQ}
    plan = packages.plan(("postgres", "rabbitmq"), found, can_install=True, has_docker=True)
    assert plan == packages.Installed({"postgres": PG, "rabbitmq": MQ})


def test_only_what_is_missing_is_installed() -> None:
    plan = packages.plan(packages.ALL, {"postgres": PG}, can_install=True, has_docker=True)
    assert plan == packages.Install(("redis-server", "rabbitmq-server"))


def test_without_root_and_docker_the_refusal_says_what_to_type() -> None:
    plan = packages.plan(packages.ALL, {"redis": RD}, can_install=False, has_docker=False)
    assert isinstance(plan, packages.Refuse)
    assert plan.missing == ("postgres", "rabbitmq")
    assert "apt-get install --no-install-recommends postgresql rabbitmq-server" in plan.remedy


def test_without_root_docker_brings_what_is_missing() -> None:
    plan = packages.plan(packages.ALL, {"redis": RD}, can_install=False, has_docker=True)
    assert plan == packages.UseContainers({"redis": RD}, ("postgres", "rabbitmq"))


def test_the_newest_postgresql_with_all_its_programs_is_found(tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        folder = tmp_path / "usr/lib/postgresql" / version / "bin"
        folder.mkdir(parents=True)
        (folder / "postgres").touch()
        if version != "17":
            (folder / "initdb").touch()
    found = packages.find(packages.ALL, root=tmp_path)
    assert found == {"postgres": tmp_path / "usr/lib/postgresql/15/bin/postgres"}


def test_rabbitmqs_own_script_is_found_and_the_distributions_wrapper_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/rabbitmq-server").touch()
    assert packages.find(("rabbitmq",), root=tmp_path) == {}
    script = tmp_path / "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server"
    script.parent.mkdir(parents=True)
    script.touch()
    assert packages.find(("rabbitmq",), root=tmp_path) == {"rabbitmq": script}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param('ID=debian\nVERSION_ID="12"\n', True, id="debian"),
        pytest.param("NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n", True, id="ubuntu"),
        pytest.param('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True, id="mint"),
        pytest.param('ID="fedora"\n', False, id="fedora"),
        pytest.param("", False, id="no such file"),
    ],
)
def test_debian_and_its_children_are_known(text: str, answer: bool) -> None:
    assert packages.is_debian(text) is answer
