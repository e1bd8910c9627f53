"""The doctor stops a run only for what makes it impossible, and says what to do about it."""

import dataclasses

import pytest

from tools.cluster import doctor, machine

MACHINE = machine.Machine(
    processors=2,
    memory_bytes=8 * machine.GIB,
    free_disk_bytes=40 * machine.GIB,
    cgroup_version=2,
    is_root=True,
    has_sys_resource=True,
    go=(1, 24),
    has_apt=True,
    inotify_instances=128,
)
BARE = doctor.Surroundings(
    engine_answers=False,
    engine_installed=False,
    registry_answers=False,
    has_node_image=False,
    has_kubernetes=False,
    has_debian=False,
    has_servers=False,
)


def a_machine(**changes: object) -> machine.Machine:
    return dataclasses.replace(MACHINE, **changes)  # type: ignore[arg-type]


def surroundings(**changes: object) -> doctor.Surroundings:
    return dataclasses.replace(BARE, **changes)  # type: ignore[arg-type]


def stops(found: machine.Machine, around: doctor.Surroundings, *, demo: bool = False) -> list[str]:
    findings = doctor.examine(found, around, demo=demo)
    assert doctor.is_possible(findings) is not any(
        one.weight is doctor.Weight.STOP for one in findings
    )
    return [one.text for one in findings if one.weight is doctor.Weight.STOP]


def test_a_bare_machine_with_root_and_apt_can_do_it() -> None:
    assert stops(a_machine(), surroundings()) == []


def test_a_person_with_docker_and_a_registry_can_do_it() -> None:
    around = surroundings(engine_answers=True, registry_answers=True)
    assert stops(a_machine(is_root=False, has_apt=False, go=None), around) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"memory_bytes": 3 * machine.GIB}, "memory"),
        ({"free_disk_bytes": 10 * machine.GIB}, "MATCHFLEET_CACHE_DIR"),
        ({"is_root": False}, "start Docker"),
        ({"has_apt": False}, "install Docker"),
    ],
)
def test_what_makes_it_impossible_names_the_remedy(change: dict[str, object], word: str) -> None:
    assert any(word in text for text in stops(a_machine(**change), surroundings()))


def test_a_machine_sold_with_four_gib_is_enough() -> None:
    assert stops(a_machine(memory_bytes=int(3.8 * machine.GIB)), surroundings()) == []


def test_less_disk_will_do_when_the_node_image_is_there() -> None:
    around = surroundings(engine_answers=True, has_node_image=True)
    assert stops(a_machine(free_disk_bytes=6 * machine.GIB), around) == []


def test_the_demo_needs_no_engine() -> None:
    assert stops(a_machine(memory_bytes=2 * machine.GIB), surroundings(), demo=True) == []


def test_the_demo_without_root_or_servers_names_the_packages() -> None:
    (text,) = stops(a_machine(is_root=False), surroundings(), demo=True)
    assert "apt-get install postgresql redis-server rabbitmq-server" in text


def test_the_estimate_falls_with_what_is_cached() -> None:
    cold = doctor.minutes(MACHINE, BARE)
    compiled = doctor.minutes(MACHINE, surroundings(has_kubernetes=True))
    warm = doctor.minutes(MACHINE, surroundings(has_node_image=True, has_kubernetes=True))
    assert cold > compiled > warm == 1
    assert doctor.minutes(a_machine(go=None), BARE) >= cold
    assert doctor.minutes(a_machine(processors=8), BARE) < cold


def test_the_worst_line_comes_last() -> None:
    findings = doctor.examine(a_machine(memory_bytes=1), surroundings(), demo=False)
    lines = doctor.render(findings, "end").splitlines()
    assert lines[-2].strip().startswith("stop")
    assert lines[-1] == "end"
