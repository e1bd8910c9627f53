"""Browsers reach the API and every server at one address with TLS."""

import base64
import secrets
from pathlib import Path

import pytest
import stage as stages

from matchfleet_client import errors, play, sockets, transport, trust

pytestmark = [pytest.mark.kind]


async def test_a_match_is_played_through_the_gateway_with_its_own_authority(
    stage: stages.Stage, tmp_path: Path
) -> None:
    secret = await stage.install.kubectl("get", "secret", "matchfleet-gateway-tls", "-o", "json")
    ca_file = tmp_path / "ca.crt"
    ca_file.write_bytes(base64.b64decode(secret.json()["data"]["ca.crt"]))
    tls = trust.context(ca_file)
    fleet = await stage.install.kubectl("get", "fleet", "airhockey-web", "-o", "json")
    expose = fleet.json()["spec"]["expose"]
    address = f"{expose['address']}:{expose['port']}"
    plan = play.Plan(
        game="airhockey",
        mode="web",
        names=tuple(f"browser-{secrets.token_hex(4)}" for _ in range(2)),
        rtt_ms=({"eu": 20},),
        policies=("strong", "weak"),
    )
    url = f"https://{address}"
    async with transport.AiohttpTransport(url, tls=tls) as carrier:
        account = await play.play(plan, carrier, url, dial=sockets.dialing(tls))
    assert account.endpoint.startswith(f"wss://{address}/play/airhockey-web-")

    with pytest.raises(errors.Unreachable, match="certificate verify failed"):
        await sockets.dial(account.endpoint, "any")
    gone = account.endpoint.rsplit("/", 1)[0] + "/nobody"
    with pytest.raises(errors.Unreachable, match="502"):
        await sockets.dialing(tls)(gone, "any")
    await stage.audit_is_clean()
