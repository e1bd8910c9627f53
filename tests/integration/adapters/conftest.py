"""What the adapters' integration tests share."""

import pathlib
import tempfile

import pytest

from matchfleet_local import servers


@pytest.fixture
def private_folder():
    """A folder that the account which serves may pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="matchfleet-tests-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
async def killable_rabbitmq(private_folder):
    """A broker of this test's own, to be killed: one that recovers from that shortly after other
    tests deleted their virtual hosts may not do what others expect of it (see `rabbitmq_url`).
    """
    folder = private_folder / "servers"
    async with servers.running(folder, postgres=False, redis=False, rabbitmq=True) as stores:
        yield stores.rabbitmq
