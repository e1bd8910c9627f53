"""What can go wrong in the bot service.

BotsError
 +-- RequestInvalid  a question that no policy here can answer; says what to change
"""


class BotsError(Exception):
    """Root of this package's errors."""


class RequestInvalid(BotsError):
    """A question that no policy here can answer; the message says what to change."""
