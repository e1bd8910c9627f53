"""What a leader does before it acts, and how it begins: one complete look, then the queue opens.

The look is consistent and begins after the Lease is ours, so it shows all that the leader before us
did within its time. What this process remembers of its own acts is forgotten first: somebody else
may have gone on from there.
"""

from dataclasses import dataclass

from matchfleet_operator.keys import Key
from matchfleet_operator.watching.audit import Auditor
from matchfleet_operator.watching.memory import Memory
from matchfleet_operator.workqueue import WorkQueue


@dataclass(frozen=True, slots=True)
class Duties:
    """The duties of a leader, as `leadership.Duties`."""

    memory: Memory
    auditor: Auditor
    queue: WorkQueue[Key]

    async def take_over(self, since: float) -> None:
        """Looks at everything as it is, unless that was begun after `since` already.

        Raises:
            errors.ApiError: a list was refused or did not come.
        """
        self.memory.forget_own_acts()
        if self.auditor.begun_at < since:
            # The look before this one may be a moment old: too short for the watch to have told.
            await self.auditor.audit(judges_watch=False)

    def begin(self) -> None:
        """Keys are worked on."""
        self.queue.open()

    def end(self) -> None:
        """Keys wait, unless all that is left is to let go."""
        if not self.memory.namespace_ending:
            self.queue.close()
