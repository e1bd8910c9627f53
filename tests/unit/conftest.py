"""Unit tests have no network: what needs a socket is an integration test."""

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def _no_network() -> None:
    # Event loops wake themselves through a socket pair, which stays inside the process.
    pytest_socket.disable_socket(allow_unix_socket=True)
