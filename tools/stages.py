"""The stages of `make test`, and which of them runs when.

Stages that mostly wait run beside those that compute: the cluster of the stories is made while
everything else is proven. Cheap stages come first, so that a slip of style costs a minute.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A make verb and what it proves.

    Attributes:
        verb: What `make` runs.
        proves: For people.
        needs: The verbs that must have passed before it begins.
        in_background: Whether it takes no place among those that run at a time.
        by_itself: The verb to run when this one failed, where it cannot stand by itself.
    """

    verb: str
    proves: str
    needs: tuple[str, ...] = ()
    in_background: bool = False
    by_itself: str = ""

    @property
    def again(self) -> str:
        """The verb that shows the failure again."""
        return self.by_itself or self.verb


AT_A_TIME = 2
STAGES = (
    # Alone: two makes that install one environment would tread on each other.
    Stage("setup", "the environment that the lock file describes can be installed"),
    Stage("check", "style, types, imports and pure code", needs=("setup",)),
    Stage(
        "e2e-cluster",
        "one command brings a kind cluster and the product up",
        needs=("setup",),
        in_background=True,
        by_itself="e2e-kind",
    ),
    Stage(
        "e2e-stories",
        "the stories on the kind cluster",
        needs=("check", "e2e-cluster"),
        by_itself="e2e-kind",
    ),
    Stage("unit-second", "pure code on Python 3.13, which the images run", needs=("check",)),
    Stage("parts", "every process against real servers", needs=("check",)),
    Stage("chaos", "the operator under faults and random edits", needs=("check",)),
    Stage("contract", "local and a real API server agree; chart, resources", needs=("check",)),
    Stage("e2e-local", "the stories on local processes", needs=("check", "unit-second")),
)


def to_begin(
    stages: Sequence[Stage],
    *,
    passed: Collection[str],
    running: Collection[str],
    at_a_time: int = AT_A_TIME,
) -> list[Stage]:
    """The stages that begin now, in order."""
    chosen: list[Stage] = []
    places = at_a_time - sum(s.verb in running and not s.in_background for s in stages)
    for stage in stages:
        if stage.verb in passed or stage.verb in running or not set(stage.needs) <= set(passed):
            continue
        if not stage.in_background:
            if places <= 0:
                continue
            places -= 1
        chosen.append(stage)
    return chosen
