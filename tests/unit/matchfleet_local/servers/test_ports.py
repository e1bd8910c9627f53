"""Ports are free, different, and out of the kernel's and Kubernetes' ways."""

import random

import pytest

from matchfleet_local.servers import ports


def test_ports_are_different_and_in_range() -> None:
    chosen = ports.plan(200, is_free=lambda _: True, source=random.Random(1))
    assert len(set(chosen)) == 200
    assert all(ports.FIRST_PORT <= port <= ports.LAST_PORT for port in chosen)


def test_the_range_is_below_node_ports_and_outgoing_connections() -> None:
    assert ports.LAST_PORT < 30_000


def test_a_taken_port_is_never_chosen() -> None:
    chosen = ports.plan(50, is_free=lambda port: port % 2 == 0, source=random.Random(2))
    assert all(port % 2 == 0 for port in chosen)


def test_a_machine_without_free_ports_is_told_so() -> None:
    with pytest.raises(RuntimeError, match="0 of 3 free ports"):
        ports.plan(3, is_free=lambda _: False, source=random.Random(3), tries=10)
