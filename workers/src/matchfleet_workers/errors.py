"""What can be wrong in a worker.

WorkerError
 +-- SettingsInvalid   the environment does not say what the process needs to know
"""


class WorkerError(Exception):
    """Root of this package's errors."""


class SettingsInvalid(WorkerError):
    """The environment does not say what the process needs to know; a sentence for each variable."""
