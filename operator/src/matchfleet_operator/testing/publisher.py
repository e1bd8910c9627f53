"""A broker and servers in memory: what was published is a list, and they fail when told to."""

import datetime
from dataclasses import dataclass, field

from matchfleet_adapters import errors as adapter_errors
from matchfleet_contracts.events import Event
from matchfleet_operator.acting import assign
from matchfleet_operator.planning.seen import MatchSeen, PodSeen


@dataclass(slots=True)
class FakePublisher:
    """Confirms every event while it is up."""

    is_up: bool = True
    published: list[Event] = field(default_factory=list)

    async def publish(self, event: Event) -> None:
        """Confirms the event, or says that it cannot."""
        if not self.is_up:
            raise adapter_errors.PublishFailed(event_id=event.id, detail="the broker is down")
        self.published.append(event)


@dataclass(slots=True)
class FakeServers:
    """Servers that agree to the first match they are told of and to no other."""

    silent: set[str] = field(default_factory=set)
    unplayable: str = ""
    playing: dict[str, str] = field(default_factory=dict)

    async def assign(
        self,
        pod: PodSeen,
        match: MatchSeen,
        *,
        now: datetime.datetime,  # noqa: ARG002
    ) -> assign.Answer:
        """What the server answers."""
        if pod.name in self.silent:
            return assign.Unanswered("no answer")
        if self.unplayable:
            return assign.Declined(self.unplayable, unplayable=True)
        told = self.playing.setdefault(pod.uid, match.uid)
        if told != match.uid:
            return assign.Declined(f"the server plays match {told}")
        return assign.Accepted()
