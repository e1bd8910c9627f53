"""Any number of Fleets: each waiting Match turns to one of those it names."""

from hypothesis import given
from hypothesis import strategies as st

from matchfleet_contracts.ids import FleetName
from matchfleet_operator.planning import routing
from matchfleet_operator.testing import builders

names = st.sampled_from(["a", "b", "c", "d", "e"])
any_rooms = st.dictionaries(
    names.map(FleetName),
    st.builds(
        routing.Room,
        game=st.sampled_from(["airhockey", "airhockey", "chess"]),
        idle=st.integers(min_value=0, max_value=3),
        can_grow=st.booleans(),
    ),
)


@given(
    rooms=any_rooms,
    wishes=st.lists(st.lists(names, min_size=1, max_size=5, unique=True), max_size=8),
)
def test_with_any_number_of_fleets_each_match_turns_to_one_and_in_its_own_order(rooms, wishes):
    waiting = [
        builders.a_match(f"m{n}", spec=builders.a_spec(fleets=fleets))
        for n, fleets in enumerate(wishes)
    ]
    routed = routing.by_fleet(waiting, rooms)
    places = {m.name: name for name, found in routed.items() for m in found}
    assert len(places) == sum(map(len, routed.values()))
    for match in waiting:
        able = [n for n in match.spec.fleets if n in rooms and rooms[n].game == "airhockey"]
        turned = places.get(match.name)
        assert (turned is None) == (not able)
        if turned is None:
            continue
        assert turned in able
        is_served = routed[turned].index(match) < rooms[turned].idle
        earlier = able[: able.index(turned)]
        # A Fleet named earlier was passed over because others took its idle servers, or it has
        # none; and never for one that has none either, if it could start one.
        assert all(len(routed[n]) >= rooms[n].idle for n in earlier)
        if not is_served:
            assert all(len(routed[n]) >= rooms[n].idle for n in able)
            assert not any(rooms[n].can_grow for n in earlier)
