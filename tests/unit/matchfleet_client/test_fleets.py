"""What `matchfleet fleet status` says of a Fleet."""

from typing import Any

import pytest
import rich.console

from matchfleet_client import errors, fleet_commands, fleets


def a_fleet(**status: Any) -> dict[str, Any]:
    """A Fleet that wants three idle servers and has them."""
    return {
        "apiVersion": "matchfleet.dev/v1alpha1",
        "kind": "Fleet",
        "metadata": {"name": "eu", "namespace": "games", "labels": {"a": "b"}},
        "spec": {"game": "airhockey", "region": "eu", "warm": 3, "max": 9, "template": {}},
        "status": {"idle": 3, "busy": 2, "revision": "r1"} | status,
    }


def revision(name: str, number: int, **counts: int) -> dict[str, Any]:
    return {"revision": name, "number": number} | counts


def condition(kind: str, status: str, message: str = "", reason: str = "Because") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        pytest.param({}, 3, id="what people set"),
        pytest.param({"desiredWarm": 5}, 5, id="what the autoscaler wants"),
        pytest.param({"desiredWarm": 0}, 0, id="none"),
    ],
)
def test_what_is_wanted_is_the_autoscalers_number_where_there_is_one(
    status: dict[str, Any], wanted: int
) -> None:
    assert fleets.read(a_fleet(**status)).wanted == wanted


def test_a_fleet_that_nobody_has_looked_at_yet_has_nothing() -> None:
    fleet = a_fleet()
    del fleet["status"]
    found = fleets.read(fleet)
    assert (found.idle, found.wanted, found.remarks) == (0, 3, [])


@pytest.mark.parametrize(
    ("status", "remark"),
    [
        pytest.param(
            {"scaling": "3 idle servers for a buffer of 3"},
            "3 idle servers for a buffer of 3",
            id="scaling",
        ),
        pytest.param(
            {"conditions": [condition("Degraded", "True", "it crashes")]},
            "Degraded: it crashes",
            id="degraded",
        ),
        pytest.param(
            {"conditions": [condition("ScalingLimited", "True", "", "AtMax")]},
            "ScalingLimited: AtMax",
            id="limited",
        ),
        pytest.param(
            {"conditions": [condition("Progressing", "True", "one server starts")]},
            "Progressing: one server starts",
            id="progressing",
        ),
        pytest.param(
            {"conditions": [condition("Available", "False")]},
            "Available: no server is idle",
            id="not available",
        ),
        pytest.param(
            {
                "revisions": [
                    revision("new", 2, idle=1, starting=1),
                    revision("old", 1, idle=2, busy=4),
                ]
            },
            "rollout: ███░░░░░░░ 1/3 of new, 2 of older revisions left",
            id="rollout",
        ),
    ],
)
def test_what_goes_on_is_a_sentence(status: dict[str, Any], remark: str) -> None:
    assert fleets.read(a_fleet(**status)).remarks == [remark]


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"conditions": [condition("Degraded", "False", "AsExpected")]}, id="well"),
        pytest.param({"conditions": [condition("Available", "True")]}, id="available"),
        pytest.param(
            {"revisions": [revision("new", 2, idle=3), revision("old", 1, busy=4)]},
            id="busy servers of an older revision only finish",
        ),
        pytest.param({"revisions": [revision("only", 1, idle=1, starting=2)]}, id="one revision"),
    ],
)
def test_a_fleet_that_is_as_it_should_be_needs_no_words(status: dict[str, Any]) -> None:
    assert fleets.read(a_fleet(**status)).remarks == []


@pytest.mark.parametrize(
    ("done", "wanted", "drawn"),
    [
        (0, 4, "░░░░░░░░░░ 0/4"),
        (1, 4, "██░░░░░░░░ 1/4"),
        (4, 4, "██████████ 4/4"),
        (6, 4, "██████████ 6/4"),
        (0, 0, "██████████ 0/0"),
    ],
)
def test_a_bar_is_full_when_all_is_there(done: int, wanted: int, drawn: str) -> None:
    assert fleets.bar(done, wanted) == drawn


def test_what_is_no_fleet_is_refused() -> None:
    with pytest.raises(errors.ReplyInvalid):
        fleets.read({"metadata": {"name": "x"}, "spec": {"replicas": 3}})


def test_the_picture_has_a_line_for_each_fleet_and_the_remarks_below() -> None:
    console = rich.console.Console(width=120, record=True, highlight=False)
    found = [fleets.read(a_fleet(scaling="3 idle servers for a buffer of 3"))]
    with console.capture() as shown:
        console.print(fleet_commands.picture(found))
    head, line, remark = shown.get().splitlines()
    assert head.split() == [
        "fleet",
        "region",
        "idle",
        "of",
        "wanted",
        "starting",
        "busy",
        "draining",
        "waiting",
        "max",
    ]
    assert line.split() == ["eu", "eu", "██████████", "3/3", "0", "2", "0", "0", "9"]
    assert remark.strip() == "eu: 3 idle servers for a buffer of 3"
