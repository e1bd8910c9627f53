"""What can be wrong with a value that crossed a border.

ContractError
 +-- ResultInvalid      a termination message is not a result
 +-- ResultTooLarge     a result does not fit into a termination message
 +-- TokenInvalid       a token is not ours, not for us, or out of its time
 +-- EventInvalid       a message is not an event of the catalogue
 +-- FrameInvalid       bytes are not a frame of the wire protocol
 +-- ConfigInvalid      a game cannot be played with these parameters
"""


class ContractError(Exception):
    """Root of this package's errors."""


class ResultInvalid(ContractError):
    """A termination message is not a result; the reason is the message."""


class ResultTooLarge(ContractError):
    """A result does not fit into a termination message."""

    def __init__(self, *, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(
            f"the result takes {size} bytes and at most {limit} are kept: "
            "put what does not rank players into the details"
        )


class TokenInvalid(ContractError):
    """A token is refused. The message is for logs, never for the bearer."""


class EventInvalid(ContractError):
    """A message is not an event of the catalogue; the reason is the message."""


class FrameInvalid(ContractError):
    """Bytes are not a frame of the wire protocol; the reason is the message."""


class ConfigInvalid(ContractError):
    """A game cannot be played with these parameters; the message says what to change."""
