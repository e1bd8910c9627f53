import pathlib

import jsonschema
import msgspec
import yaml
from tickets import NOW, a_candidate, a_queue, later

from matchfleet_api.matchmaking import pairing, specs
from matchfleet_contracts import clock, resources

CRD = pathlib.Path(__file__).parents[4] / "crds" / "matches.yaml"


def a_spec(*candidates, **changes):
    queue = a_queue(**changes)
    (proposal,) = pairing.pair(list(candidates), queue, NOW)
    return specs.match_spec(proposal, queue, seed=7, now=NOW)


def test_a_proposal_becomes_the_spec_that_is_asked_for():
    spec = a_spec(a_candidate("a", player="pa"), a_candidate("b", player="pb", rating=1400))
    assert spec == {
        "game": "airhockey",
        "mode": "blitz",
        "region": "eu",
        "fleets": ["airhockey-eu"],
        "players": [
            {"seat": 0, "kind": "Human", "id": "pa"},
            {"seat": 1, "kind": "Human", "id": "pb", "team": 1},
        ],
        "config": {"durationSeconds": 20},
        "seed": 7,
        "ranked": True,
        "limits": {"assignSeconds": 60, "joinSeconds": 30, "maxSeconds": 300},
        "notAfter": clock.rfc3339(later(60)),
    }


def test_an_empty_seat_is_a_bot_of_the_queue():
    spec = a_spec(a_candidate("a", waited_s=30))
    assert spec["players"][1] == {"seat": 1, "kind": "Bot", "team": 1, "bot": "medium"}
    assert "ranked" not in spec


def test_every_spec_is_valid_for_the_resource():
    schema = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for spec in (
        a_spec(a_candidate(), a_candidate()),
        a_spec(a_candidate(waited_s=30), bot=None, config={"goal": "first"}),
        a_spec(*(a_candidate(waited_s=1) for _ in range(6)), teams=2, team_size=3),
    ):
        jsonschema.validate(spec, schema["properties"]["spec"])
        msgspec.convert(spec, resources.MatchSpec)


def test_the_same_draft_has_the_same_digest():
    pair = (a_candidate("a", player="pa"), a_candidate("b", player="pb"))
    assert resources.spec_digest(a_spec(*pair)) == resources.spec_digest(a_spec(*pair))
