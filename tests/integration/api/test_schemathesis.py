"""Whatever the description allows, and much that it forbids, is answered as it is described."""

import asyncio
import sys


async def test_no_operation_answers_otherwise_than_described(front_door):
    guest = await front_door.guest()
    command = (
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"{front_door.url}/v1/openapi.json",
        *("--header", f"Authorization: Bearer {guest.access_token}"),
        *("--max-examples", "10", "--workers", "1", "--seed", "7"),
        *("--phases", "examples,coverage,fuzzing", "--request-timeout", "30"),
        *("--exclude-checks", "unsupported_method,ignored_auth,positive_data_acceptance"),
        *("--exclude-path-regex", "/v1/admin", "--no-color"),
    )
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(400):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-8000:]
