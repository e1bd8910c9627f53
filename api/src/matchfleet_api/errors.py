"""What this package refuses, and why.

ApiError
 +-- SettingsInvalid       a process cannot start as it was told to
 |    +-- QueuesInvalid    the queues file does not describe queues
 |    +-- KeysInvalid      a key file cannot be read
"""


class ApiError(Exception):
    """Root of this package's errors."""


class SettingsInvalid(ApiError):
    """A process cannot start as it was told to; the message says what to change."""


class QueuesInvalid(SettingsInvalid):
    """The queues file does not describe queues; the message names the place in it."""


class KeysInvalid(SettingsInvalid):
    """A key file cannot be read; the message names it."""
