"""The operator dies at the worst moments: the match is played, and rated once."""

import asyncio

import pytest
import stage as stages

from matchfleet_contracts import ids

pytestmark = [pytest.mark.local, pytest.mark.kind, pytest.mark.alone]


async def test_a_match_outlives_its_operator(stage: stages.Stage) -> None:
    async with stage.duel("trial") as duel:
        await stage.install.kill_operator()
        await duel.over()
        await stage.install.start_operator()
        await stage.rated_once(duel)
    await stage.audit_is_clean()


@pytest.mark.parametrize("is_deleted", [False, True], ids=["kept", "deleted"])
async def test_a_result_outlives_the_broker_the_operator_and_its_match(
    stage: stages.Stage, *, is_deleted: bool
) -> None:
    async with stage.duel("trial") as duel:
        pod = await stage.pod_of(duel.match.id)
        await stage.install.stop_store("rabbitmq")
        await duel.over()
        await stage.until_pod_ended(pod)
        await stage.install.kill_operator()
        if is_deleted:
            name = ids.match_name(duel.match.id)
            await stage.install.kubectl("delete", "match", name, "--wait=false")
        await asyncio.gather(stage.install.start_store("rabbitmq"), stage.install.start_operator())
        await stage.rated_once(duel)
    await stage.audit_is_clean()
