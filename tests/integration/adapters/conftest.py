"""What the adapters' integration tests share."""

import pytest

from matchfleet_local import servers


@pytest.fixture
def private_folder(tmp_path_factory):
    """A folder that the account which serves may pass through."""
    folder = tmp_path_factory.mktemp("servers")
    for part in (folder, folder.parent, folder.parent.parent):
        part.chmod(0o711)
    return folder


@pytest.fixture
async def killable_rabbitmq(private_folder):
    """A broker of this test's own, to be killed.

    RabbitMQ 3.10 can lose quorum queues to a SIGKILL when virtual hosts were deleted shortly
    before, as the fixtures of other tests do all the time; then nothing works until it is emptied.
    """
    folder = private_folder / "servers"
    async with servers.running(folder, postgres=False, redis=False, rabbitmq=True) as stores:
        yield stores.rabbitmq
