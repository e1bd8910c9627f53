"""A server that cannot run says what to change, and exits with an error."""

import asyncio
import os
import sys

COMPLETE = {
    "MATCHFLEET_GAME": "airhockey",
    "MATCHFLEET_POD_UID": "pod",
    "MATCHFLEET_OPERATOR_PUBLIC_KEYS": "/nowhere",
    "MATCHFLEET_GAME_PORT": "0",
    "MATCHFLEET_CONTROL_PORT": "0",
}


CASES: list[tuple[dict[str, str | None], int, str]] = [
    ({"MATCHFLEET_GAME": None}, 2, "game"),
    ({"MATCHFLEET_GAME": "chess"}, 1, "no game is called 'chess'; installed are airhockey"),
]


async def _run(changes: dict[str, str | None]) -> tuple[int | None, str]:
    env = {**os.environ, **COMPLETE, **changes}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "matchfleet_gameserver",
        env={name: value for name, value in env.items() if value is not None},
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await child.communicate()
    return child.returncode, stderr.decode()


async def test_a_wrong_setting_is_named() -> None:
    ended = await asyncio.gather(*(_run(changes) for changes, _, _ in CASES))
    for (code, stderr), (changes, expected, says) in zip(ended, CASES, strict=True):
        assert code == expected, changes
        assert says in stderr, changes
        assert "Traceback" not in stderr, changes
