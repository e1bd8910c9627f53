"""Which node ports a server takes, and where its players find it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_contracts.resources import ExposeType, PortProtocol, ServerPort
from matchfleet_operator.planning import exposure
from matchfleet_operator.planning.seen import Expose, FleetPort, HostRange, PodPort
from matchfleet_operator.testing import builders

TCP, UDP = PortProtocol.TCP, PortProtocol.UDP
GAMES = HostRange(name="games", first=7000, last=7003)
VOICE = HostRange(name="voice", first=7002, last=7005)


def first(_: int) -> int:
    return 0


def a_fleet(*ports: FleetPort, ranges=(GAMES, VOICE)):
    expose = Expose(type=ExposeType.HOST_PORT, host_ports=ranges)
    return builders.a_fleet(ports=ports, expose=expose)


GAME = FleetPort(name="game", container_port=7777)
TALK = FleetPort(name="talk", container_port=7779, protocol=UDP, host_ports="voice")


def test_each_port_takes_from_the_range_it_names_and_else_from_the_first():
    drawing = exposure.Drawing(a_fleet(GAME, TALK), {7000, 7002}, first)
    assert drawing.draw() == (7001, 7003)


def test_the_range_that_does_not_suffice_is_named():
    drawing = exposure.Drawing(a_fleet(GAME, TALK), {7002, 7003, 7004}, first)
    assert drawing.draw() == (7000, 7005)
    assert drawing.exhausted is None
    assert drawing.draw() is None
    assert drawing.exhausted == VOICE


@pytest.mark.parametrize("kind", [ExposeType.POD_IP, ExposeType.GATEWAY])
def test_only_host_port_fleets_take_node_ports(kind):
    fleet = builders.a_fleet(expose=Expose(type=kind, address="play", service="s"))
    assert exposure.Drawing(fleet, frozenset(), first).draw() == ()


numbers = st.integers(min_value=1024, max_value=1050)
ranges = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=3).map(
    lambda pairs: tuple(
        HostRange(name=f"r{n}", first=min(pair), last=max(pair)) for n, pair in enumerate(pairs)
    )
)


@given(
    ranges=ranges,
    names=st.lists(st.sampled_from(["", "r0", "r1", "r2"]), min_size=1, max_size=4),
    taken=st.sets(numbers, max_size=20),
    draws=st.lists(st.integers(min_value=0, max_value=10_000), min_size=1, max_size=200),
)
def test_no_port_is_given_twice_and_none_that_is_taken_or_outside(ranges, names, taken, draws):
    ports = tuple(
        FleetPort(name=f"p{n}", container_port=100 + n, host_ports=name)
        for n, name in enumerate(names)
    )
    picks = iter(draws * 100)
    drawing = exposure.Drawing(
        a_fleet(*ports, ranges=ranges), taken, lambda below: next(picks) % below
    )
    given_out: list[int] = []
    while (drawn := drawing.draw()) is not None:
        assert len(drawn) == len(ports)
        for port, number in zip(ports, drawn, strict=True):
            assert exposure.range_of(port, ranges).first <= number
            assert number <= exposure.range_of(port, ranges).last
        given_out += drawn
    assert drawing.exhausted in ranges
    assert len(given_out) == len(set(given_out))
    assert taken.isdisjoint(given_out)


TWO = (
    PodPort(name="game", container_port=7777, host_port=7003),
    PodPort(name="talk", container_port=7779, protocol=UDP, host_port=7104),
)


@pytest.mark.parametrize(
    ("pod", "url", "ports"),
    [
        pytest.param(
            builders.a_claimed_pod(ports=TWO),
            "ws://192.0.2.7:7003",
            [("game", 7003, TCP), ("talk", 7104, UDP)],
            id="host ports",
        ),
        pytest.param(
            builders.a_claimed_pod(ports=TWO[1:]),
            "udp://192.0.2.7:7104",
            [("talk", 7104, UDP)],
            id="UDP first",
        ),
        pytest.param(
            builders.a_claimed_pod(address="play.example", gateway_port=443),
            "wss://play.example:443/play/p1",
            [("game", 443, TCP)],
            id="gateway",
        ),
        pytest.param(
            builders.a_claimed_pod(
                ports=(PodPort(name="game", container_port=9000, protocol=UDP),)
            ),
            "udp://10.0.0.9:9000",
            [("game", 9000, UDP)],
            id="pod",
        ),
    ],
)
def test_players_are_told_every_port(pod, url, ports):
    found = exposure.endpoint(pod, "192.0.2.7")
    assert found.url == url
    assert found.ports == tuple(ServerPort(*port) for port in ports)
    assert found.port == ports[0][1]
