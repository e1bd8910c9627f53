"""What ends a demo before it has shown anything.

DemoFailed
 +-- ProcessFailed    a process ended and ended again; carries the end of its log
 +-- NotReady         something was not ready in time; carries the end of its log
 +-- StepFailed       a step that runs once (keys, migrations) ended with an error
 +-- DirectoryBusy    another demo runs in the directory
 +-- MatchFailed      the match was not played to its end
"""

from pathlib import Path


class DemoFailed(Exception):
    """The root: everything that this package raises on purpose."""


class ProcessFailed(DemoFailed):
    """A process ended more often than is worth trying."""

    def __init__(self, name: str, *, code: int, times: int, log_tail: str) -> None:
        self.name = name
        super().__init__(
            f"{name} ended {times} times, the last time with code {code}. "
            f"The end of its log:\n{log_tail}"
        )


class NotReady(DemoFailed):
    """Something was not ready in time."""

    def __init__(self, name: str, *, within_s: float, log_tail: str) -> None:
        self.name = name
        super().__init__(
            f"{name} was not ready within {within_s:.0f} s. The end of its log:\n{log_tail}"
        )


class StepFailed(DemoFailed):
    """A step that runs once ended with an error."""

    def __init__(self, name: str, *, code: int, log_tail: str) -> None:
        self.name = name
        super().__init__(f"{name} failed with code {code}. The end of its log:\n{log_tail}")


class DirectoryBusy(DemoFailed):
    """Another demo runs in the directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"another demo runs in {directory}: stop that one, or name another with --directory"
        )


class MatchFailed(DemoFailed):
    """The client could not play its match to the end."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the match was not played to its end: the client ended with code {code}")
