"""What can go wrong while servers are found, installed and started.

ServersError
├── ServersMissing       a server is not installed and cannot be installed from here
├── InstallFailed        the package tool refused
├── DirectoryRefused     the directory given belongs to somebody else
├── ServerFailed         a server ended, or said nothing, before it was ready
└── ControlFailed        a running server refused an administrative call
"""

from collections.abc import Sequence
from pathlib import Path


class ServersError(Exception):
    """The root: everything that this package raises on purpose."""


class ServersMissing(ServersError):
    """A server is not on this machine, and this process may not or cannot install it."""

    def __init__(self, servers: Sequence[str], remedy: str) -> None:
        self.servers = tuple(servers)
        self.remedy = remedy
        super().__init__(f"not found on this machine: {', '.join(servers)}. {remedy}")


class InstallFailed(ServersError):
    """The package tool ended with an error; its last words are kept."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        self.command = tuple(command)
        self.output = output
        super().__init__(
            f"`{' '.join(command)}` failed. Run it by hand to see why, then try again:\n{output}"
        )


class DirectoryRefused(ServersError):
    """The directory exists and is not one that we may fill and empty."""

    def __init__(self, directory: Path, reason: str) -> None:
        self.directory = directory
        super().__init__(f"{directory} cannot hold the servers: {reason}")


class ServerFailed(ServersError):
    """A server ended early or was not ready in time; the tail of its log says why."""

    def __init__(self, server: str, what: str, log_tail: str) -> None:
        self.server = server
        self.log_tail = log_tail
        super().__init__(f"{server} {what}. The end of its log:\n{log_tail}")


class ControlFailed(ServersError):
    """A running server refused an administrative call."""

    def __init__(self, server: str, call: str, answer: str) -> None:
        self.server = server
        super().__init__(f"{server} refused `{call}`: {answer}")
