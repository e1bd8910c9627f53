"""The API's description: committed, complete, and free of surprises for generated clients."""

import json
from pathlib import Path

from matchfleet_api.commands import describing

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
OPEN = {
    "logInAsGuest",
    "register",
    "logIn",
    "refresh",
    "logOut",
    "publicKeys",
    "getLeaderboard",
    "getQueues",
    "getRegions",
}


def operations():
    described = json.loads(describing.text())
    for path, by_method in described["paths"].items():
        for method, operation in by_method.items():
            yield f"{method.upper()} {path}", operation


def test_the_committed_description_is_that_of_the_code():
    assert COMMITTED.read_text() == describing.text(), "stale: run `make generate`"


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does():
    names = [operation["operationId"] for _, operation in operations()]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for _, operation in operations())


def test_every_error_is_a_problem():
    for place, operation in operations():
        errors = {s: r for s, r in operation["responses"].items() if s[0] in "45"}
        assert {"400", "413", "422", "503"} <= errors.keys(), place
        for response in errors.values():
            assert list(response["content"]) == ["application/problem+json"], place


def test_what_needs_a_token_says_so_and_what_says_so_can_refuse():
    for place, operation in operations():
        is_open = operation["operationId"] in OPEN
        assert ("security" in operation) is not is_open, place
        if not is_open:
            assert "401" in operation["responses"], place


def test_every_body_that_is_sent_has_an_example():
    described = json.loads(describing.text())
    for name, schema in described["components"]["schemas"].items():
        if name.endswith("In"):
            assert schema["examples"], name
            assert schema["additionalProperties"] is False, name


def test_what_is_answered_is_always_there():
    described = json.loads(describing.text())
    for name, schema in described["components"]["schemas"].items():
        if name.endswith("Out") and name != "ProblemOut":
            assert set(schema["required"]) == set(schema["properties"]), name
