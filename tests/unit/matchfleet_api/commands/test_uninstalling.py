"""An uninstall ends what is played, in order, and gives up in time."""

import dataclasses
from collections.abc import Collection

import pytest

from matchfleet_adapters.kubernetes import matches
from matchfleet_api.commands import uninstalling
from matchfleet_contracts import resources
from matchfleet_contracts.ids import MatchName, MatchUid


def a_match(
    name: str = "m-1",
    *,
    phase: resources.Phase = resources.Phase.READY,
    is_deleting: bool = False,
) -> matches.MatchResource:
    return matches.MatchResource(
        name=MatchName(name),
        uid=MatchUid(f"uid-{name}"),
        resource_version="1",
        created_s=0.0,
        spec={},
        annotations={},
        phase=phase,
        is_deleting=is_deleting,
    )


@pytest.mark.parametrize(
    ("phase", "in_a_hurry", "step"),
    [
        (resources.Phase.PENDING, False, uninstalling.CancelMatch),
        (resources.Phase.READY, False, uninstalling.CancelMatch),
        (resources.Phase.READY, True, uninstalling.DeleteMatch),
        (resources.Phase.COMPLETED, False, uninstalling.DeleteMatch),
        (resources.Phase.CANCELLED, False, uninstalling.DeleteMatch),
    ],
)
def test_a_match_is_cancelled_first_and_deleted_once_it_ended_or_time_is_short(
    phase: resources.Phase, in_a_hurry: bool, step: type
) -> None:
    match = a_match(phase=phase)
    seen = uninstalling.Seen(live=[match])
    assert uninstalling.plan(seen, in_a_hurry=in_a_hurry) == (step(match),)


def test_fleets_go_before_matches_so_that_no_new_server_starts() -> None:
    seen = uninstalling.Seen(fleets=["eu", "us"], live=[a_match()])
    kinds = [type(step) for step in uninstalling.plan(seen, in_a_hurry=False)]
    assert kinds == [
        uninstalling.DeleteFleet,
        uninstalling.DeleteFleet,
        uninstalling.CancelMatch,
    ]


def test_what_is_being_deleted_is_left_to_its_way() -> None:
    seen = uninstalling.Seen(live=[a_match(is_deleting=True)], servers=1)
    assert uninstalling.plan(seen, in_a_hurry=True) == ()


class FakeInstall:
    """An install whose operator needs `reaction` looks to end a cancelled match."""

    def __init__(self, *, reaction: int) -> None:
        self.fleets = ["eu"]
        self.found = {"m-1": a_match("m-1"), "m-2": a_match("m-2")}
        self.servers = 2
        self.reaction = reaction
        self.looks = 0
        self.cancelled: set[str] = set()

    async def look(self) -> uninstalling.Seen:
        self.looks += 1
        if self.looks > self.reaction:
            for name in self.cancelled & self.found.keys():
                self.found[name] = dataclasses.replace(
                    self.found[name], phase=resources.Phase.CANCELLED
                )
                self.servers = 0
        return uninstalling.Seen(
            fleets=tuple(self.fleets), live=tuple(self.found.values()), servers=self.servers
        )

    async def take(self, step: uninstalling.Step) -> None:
        match step:
            case uninstalling.DeleteFleet(name):
                self.fleets.remove(name)
            case uninstalling.CancelMatch(match):
                self.cancelled.add(match.name)
            case uninstalling.DeleteMatch(match):
                del self.found[match.name]

    async def forget(self, release: str, *, keep: Collection[str]) -> None:
        raise AssertionError(f"emptying forgets nothing of {release}, keeps nothing of {keep}")


async def no_sleep(seconds: float) -> None:
    pass


async def test_it_ends_as_soon_as_nothing_is_left() -> None:
    install = FakeInstall(reaction=5)
    left = await uninstalling.empty(install, patience_s=60, sleep=no_sleep)
    assert left.is_empty
    assert install.looks < 10


async def test_without_an_operator_it_deletes_the_matches_and_says_what_is_left() -> None:
    install = FakeInstall(reaction=10**6)
    left = await uninstalling.empty(install, patience_s=10, sleep=no_sleep)
    assert (left.fleets, left.live, left.servers) == ((), (), 2)
    assert install.looks == 10 / uninstalling.LOOK_EVERY_S + 1
