"""Several Fleets, their ports and their exposure, on a real API server."""

import pytest

pytestmark = pytest.mark.control_plane

TWO_RANGES = {
    "type": "HostPort",
    "address": "play.example",
    "hostPorts": [
        {"name": "games", "from": 7000, "to": 7001},
        {"name": "voice", "from": 7100, "to": 7101},
    ],
}
TWO_PORTS = [
    {"name": "game", "containerPort": 7777},
    {"name": "voice", "containerPort": 7779, "protocol": "UDP", "hostPorts": "voice"},
]


async def condition(bench, fleet, kind):
    found = await bench.call("GET", bench.path("fleets", fleet))
    told = {c["type"]: c for c in found.get("status", {}).get("conditions", [])}
    return told.get(kind, {}).get("reason")


async def test_matches_take_the_first_of_their_fleets_that_can_serve_them(bench):
    async with bench.operating():
        await bench.apply_fleet("near", warm=1, most=1)
        await bench.apply_fleet("next", warm=1, most=1)
        await bench.apply_fleet("far", warm=0, most=5)
        await bench.until_pods_run(2)
        order = ["near", "next", "far"]
        served = [await bench.ready_match(f"m{n}", fleets=order) for n in range(3)]
        pods = [found["status"]["server"]["pod"] for found in served]
        assert [pod.rsplit("-", 1)[0] for pod in pods] == order
        # The order is the Match's, not the Fleets'.
        other = await bench.ready_match("m3", fleets=["far", "near"])
        assert other["status"]["server"]["pod"].startswith("far-")


async def test_every_port_gets_a_node_port_of_its_range_until_one_is_used_up(bench):
    async with bench.operating():
        await bench.apply_fleet("eu", warm=2, ports=TWO_PORTS, expose=TWO_RANGES)
        await bench.until_pods_run(2)
        found = await bench.ready_match("m1")
        server = found["status"]["server"]
        first, second = server["ports"]
        assert (first["name"], first["protocol"], first["port"] in {7000, 7001}) == (
            "game",
            "TCP",
            True,
        )
        assert (second["name"], second["protocol"], second["port"] in {7100, 7101}) == (
            "voice",
            "UDP",
            True,
        )
        assert server["url"] == f"ws://play.example:{first['port']}"

        async def has_no_port() -> bool:
            return await condition(bench, "eu", "CapacityLimited") == "NoFreePort"

        await bench.until(has_no_port)


async def test_a_match_behind_a_gateway_is_reached_by_its_pods_name(bench):
    expose = {"type": "Gateway", "address": "play.example", "port": 8443, "service": "servers"}
    async with bench.operating():
        await bench.apply_fleet("web", expose=expose)
        found = await bench.ready_match("m1", fleets=["web"])
        pod = found["status"]["server"]["pod"]
        assert found["status"]["server"]["url"] == f"wss://play.example:8443/play/{pod}"
        (body,) = await bench.pods()
        assert (body["spec"]["hostname"], body["spec"]["subdomain"]) == (pod, "servers")
        assert body["metadata"]["labels"]["matchfleet.dev/service"] == "servers"
