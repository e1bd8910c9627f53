"""What can go wrong here, in words a reader can act on.

ClusterError
├── CommandFailed        a program ended with an error; carries its last lines
├── MissingPrerequisite  the machine lacks something that only its owner can give
└── NotHealthy           something started but did not become healthy in its time
"""


class ClusterError(Exception):
    """A failure with a message for the person at the terminal."""


class MissingPrerequisite(ClusterError):
    """The machine lacks something; the message says what to install or change."""


class NotHealthy(ClusterError):
    """A part was started but did not become healthy within its time."""


class CommandFailed(ClusterError):
    """A program returned an error."""

    def __init__(self, argv: list[str], *, returncode: int, output: str) -> None:
        self.argv = argv
        self.returncode = returncode
        self.output = output
        tail = "\n".join(f"    {line}" for line in output.strip().splitlines()[-15:])
        super().__init__(f"`{' '.join(argv)}` ended with {returncode}:\n{tail}")
