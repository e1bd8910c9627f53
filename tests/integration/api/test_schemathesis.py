"""Whatever the description allows, and much that it forbids, is answered as it is described."""

import asyncio
import sys

from frontdoor import ADMIN_TOKEN


async def run(door, token, *options):
    command = (
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"{door.url}/v1/openapi.json",
        *("--header", f"Authorization: Bearer {token}"),
        *("--max-examples", "10", "--workers", "1", "--seed", "7"),
        *("--phases", "examples,coverage,fuzzing", "--request-timeout", "30"),
        # Which token opens what is a test of its own, and a queue that is not there is not a
        # mistake of form.
        *("--exclude-checks", "ignored_auth,positive_data_acceptance", "--no-color"),
        *options,
    )
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(400):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-8000:]


async def test_no_operation_answers_a_player_otherwise_than_described(front_door):
    guest = await front_door.guest()
    await run(front_door, guest.access_token, "--exclude-path-regex", "/v1/admin")


async def test_no_operation_answers_an_administrator_otherwise_than_described(front_door):
    await run(front_door, ADMIN_TOKEN, "--include-path-regex", "/v1/admin")
