"""Installing a server starts no service, and leaves the machine's own policy as it was."""

import os
import subprocess
from pathlib import Path

import pytest

from matchfleet_local.servers import install
from tools.cluster import apt, places

GONE = 2**22 + 1
"""More than the kernel's largest pid."""


def ask(policy: Path) -> int:
    return subprocess.run([policy, "redis-server", "start"], check=False).returncode


def test_services_are_forbidden_within_and_allowed_again_after(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with install.services_held(policy, pid=os.getpid()):
        assert ask(policy) == 101
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_policy_comes_back_unchanged_even_after_an_error(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")
    policy.chmod(0o755)
    with pytest.raises(RuntimeError), install.services_held(policy, pid=os.getpid()):
        raise RuntimeError
    assert ask(policy) == 104
    assert list(tmp_path.iterdir()) == [policy]


@pytest.mark.parametrize(("earlier", "answer"), [(None, 0), ("#!/bin/sh\nexit 104\n", 104)])
def test_after_a_killed_run_the_policy_steps_aside_and_is_cleaned_up(
    tmp_path: Path, earlier: str | None, answer: int
) -> None:
    policy = tmp_path / "policy-rc.d"
    saved = policy.with_name("policy-rc.d" + install.SAVED_SUFFIX)
    policy.write_text(install.policy_text(saved, pid=GONE))
    policy.chmod(0o755)
    if earlier:
        saved.write_text(earlier)
        saved.chmod(0o755)
    assert ask(policy) == answer
    with install.services_held(policy, pid=os.getpid()):
        assert ask(policy) == 101
    assert (policy.read_text() if policy.exists() else None) == earlier
    assert not saved.exists()


def test_the_postgresql_package_is_told_to_make_no_cluster(tmp_path: Path) -> None:
    dropin = tmp_path / "postgresql-common" / "createcluster.d" / "matchfleet.conf"
    with install.no_cluster(dropin):
        assert "create_main_cluster = false" in dropin.read_text()
        (dropin.parent.parent / "createcluster.conf").touch()  # the package's own
    assert not dropin.exists()
    assert (tmp_path / "postgresql-common" / "createcluster.conf").exists()


def test_what_was_installed_is_written_where_clean_reads_it(tmp_path: Path) -> None:
    environment = {"MATCHFLEET_CACHE_DIR": str(tmp_path / "cache")}
    record = install.record_for(environment, tmp_path)
    install.remember(("redis-server",), record)
    install.remember(("postgresql",), record)
    where = places.places_for(environment, tmp_path)
    assert apt.installed_by_us(where) == ["postgresql", "redis-server"]
    assert install.record_for({}, tmp_path) == places.places_for({}, tmp_path).cache / record.name


def test_apt_waits_for_its_lock_and_neither_recommends_nor_removes() -> None:
    command = install.apt_command(("redis-server",))
    assert command[:3] == ("apt-get", "-o", "DPkg::Lock::Timeout=600")
    assert {"--no-install-recommends", "--no-remove"} <= set(command)
