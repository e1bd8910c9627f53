"""What a server that is spoken to does when it cannot be reached, or refuses."""

import asyncio
import pathlib
import sys
from collections.abc import Callable

import pytest

from matchfleet_local.servers import accounts, datastores, errors, rabbitmq, recipes, server


def a_broker(home: pathlib.Path, script: str) -> datastores.RabbitServer:
    """A broker whose administrative calls are this Python program."""
    node = rabbitmq.Node(port=1, distribution_port=2, password="p", cookie="c")
    return datastores.RabbitServer(
        rabbitmq.recipe(pathlib.Path("/rabbitmq-server"), home, node=node, trimmed={}),
        server.Place(home, accounts.ourselves()),
        password="p",
        control=lambda erlang: recipes.Command((sys.executable, "-c", script), {}, erlang),
    )


@pytest.fixture
def tries(tmp_path: pathlib.Path) -> Callable[[], int]:
    path = tmp_path / "tries"
    return lambda: len(path.read_text())


def a_script(folder: pathlib.Path, rest: str) -> str:
    counted = (
        f"n = open({str(folder / 'tries')!r}, 'a+'); n.write('x'); n.seek(0); n = len(n.read())"
    )
    return f"{counted}\n{rest}"


async def test_a_node_that_is_not_reached_yet_is_asked_again(
    tmp_path: pathlib.Path, tries: Callable[[], int]
) -> None:
    said = f"{rabbitmq.NOT_REACHED} with address x"
    script = a_script(tmp_path, f"print({rabbitmq.DONE!r}) if n > 1 else exit({said!r})")
    await a_broker(tmp_path, script).add_vhosts("one")
    assert tries() == 2


async def test_what_the_node_refused_is_not_asked_again(
    tmp_path: pathlib.Path, tries: Callable[[], int]
) -> None:
    script = a_script(tmp_path, "exit('{error, not_allowed}')")
    with pytest.raises(errors.ControlFailed, match="not_allowed"):
        await a_broker(tmp_path, script).add_vhosts("one")
    assert tries() == 1


async def test_a_node_that_is_never_reached_is_given_up_in_time(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datastores, "CONTROL_WITHIN_S", 0.3)
    async with asyncio.timeout(10):
        with pytest.raises(errors.ControlFailed, match=rabbitmq.NOT_REACHED):
            await a_broker(tmp_path, f"exit({rabbitmq.NOT_REACHED!r})").add_vhosts("one")
