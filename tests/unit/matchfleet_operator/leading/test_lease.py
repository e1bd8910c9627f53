"""Who leads: one at a time, and somebody soon."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_operator.leading import lease

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
TIMING = lease.Timing()
ME, OTHER = "op-a_1", "op-b_2"


def a_lease(holder: str = OTHER, *, version: str = "7", lasts_s: float = 6.0) -> lease.Lease:
    return lease.Lease(version=version, holder=holder, lasts_s=lasts_s, transitions=3)


def seen(found: lease.Lease | None, *, since: float = 100.0, vanished: bool = False) -> lease.Sight:
    return lease.Sight(lease=found, since=since, vanished=vanished)


@pytest.mark.parametrize(
    ("sight", "now", "step"),
    [
        pytest.param(seen(None), 100.0, lease.Create(), id="there is none"),
        pytest.param(seen(None, vanished=True), 100.0, lease.Wait(100.5), id="just deleted"),
        pytest.param(seen(None, vanished=True), 105.6, lease.Wait(106.0), id="deleted a while ago"),
        pytest.param(seen(None, vanished=True), 106.0, lease.Create(), id="deleted long ago"),
        pytest.param(seen(a_lease("")), 100.0, lease.Take(a_lease("")), id="given back"),
        pytest.param(seen(a_lease(ME)), 100.0, lease.Renew(a_lease(ME)), id="mine"),
        pytest.param(seen(a_lease(ME)), 900.0, lease.Renew(a_lease(ME)), id="mine, long unrenewed"),
        pytest.param(seen(a_lease()), 100.0, lease.Wait(100.5), id="another's"),
        pytest.param(seen(a_lease()), 105.6, lease.Wait(106.0), id="looks when it ends, not later"),
        pytest.param(seen(a_lease()), 106.0, lease.Take(a_lease()), id="another's, run out"),
        pytest.param(
            seen(a_lease(lasts_s=15.0)), 106.0, lease.Wait(106.5), id="lasts as its holder said"
        ),
        pytest.param(
            seen(a_lease(lasts_s=0.0)), 106.0, lease.Take(a_lease(lasts_s=0.0)), id="says nothing"
        ),
    ],
)
def test_what_follows_from_what_is_seen(sight, now, step):
    assert lease.decide(sight, ME, now=now, timing=TIMING) == step


def test_a_lease_counts_from_when_its_version_was_first_seen():
    first = lease.sight(None, a_lease(version="7"), at=10.0)
    again = lease.sight(first, a_lease(version="7"), at=13.0)
    renewed = lease.sight(again, a_lease(version="8"), at=14.0)
    assert (first.since, again.since, renewed.since) == (10.0, 10.0, 14.0)


def test_a_lease_that_vanished_is_told_from_one_that_never_was():
    never = lease.sight(None, None, at=10.0)
    still = lease.sight(never, None, at=12.0)
    assert (still.since, still.vanished) == (10.0, False)
    gone = lease.sight(lease.sight(None, a_lease(), at=10.0), None, at=12.0)
    later = lease.sight(gone, None, at=13.0)
    assert (later.since, later.vanished) == (12.0, True)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["a", "b", "c"])), max_size=60),
    st.sets(st.integers(0, 59)),
)
def test_no_two_ever_believe_to_lead_at_the_same_time(turns, failures):
    """Replicas look and write in any order; any write may be lost with its reply."""
    held = lease.Lease(version="0")
    sights: dict[str, lease.Sight] = {}
    leads_until = dict.fromkeys("abc", 0.0)
    now = 0.0
    for number, (passes_s, me) in enumerate(turns):
        now += passes_s
        sights[me] = lease.sight(sights.get(me), held, at=now)
        step = lease.decide(sights[me], me, now=now, timing=TIMING)
        if not isinstance(step, lease.Take | lease.Renew) or step.lease.version != held.version:
            continue
        held = lease.Lease(version=str(number + 1), holder=me, lasts_s=TIMING.lasts_s)
        if number not in failures:
            leads_until[me] = now + TIMING.renew_within_s
        assert [who for who, until in leads_until.items() if until > now and who != me] == []


def test_bodies_carry_the_version_and_say_who_and_how_long():
    made = lease.created("l", ME, now=NOW, timing=lease.Timing(lasts_s=2.5, renew_within_s=1.0))
    assert made["spec"]["leaseDurationSeconds"] == 3
    assert made["spec"]["holderIdentity"] == ME
    taken = lease.taken(a_lease(), ME, now=NOW, timing=TIMING)
    assert taken["metadata"] == {"resourceVersion": "7"}
    assert taken["spec"]["leaseTransitions"] == 4
    assert lease.renewed(a_lease(ME), now=NOW)["spec"].keys() == {"renewTime"}
    back = lease.given_back(a_lease(ME), now=NOW)
    assert (back["metadata"], back["spec"]["holderIdentity"]) == ({"resourceVersion": "7"}, "")


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": None, "leaseTransitions": None}])
def test_a_lease_without_a_word_in_it_is_nobodys(spec):
    raw = {"metadata": {"resourceVersion": "1"}} | ({"spec": spec} if spec is not None else {})
    assert lease.observed(raw) == lease.Lease(version="1")
