"""Who may take a seat, who loses it, and what becomes of a player's inputs."""

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts import wire
from matchfleet_contracts.ids import PlayerId, Seat
from matchfleet_contracts.resources import PlayerKind, RosterEntry
from matchfleet_gameserver import errors, seats

ADA, BOB = PlayerId("ada"), PlayerId("bob")
S0, S1 = Seat(0), Seat(1)


def _seats(*, queue: int = 4) -> seats.Seats:
    roster = [
        RosterEntry(seat=1, kind=PlayerKind.BOT, bot="weak", team=1),
        RosterEntry(seat=0, kind=PlayerKind.HUMAN, id="ada"),
    ]
    return seats.Seats.of(roster, max_queued_inputs=queue)


def _take(taken: seats.Seats, player: PlayerId, token_id: str, seat: Seat = S0) -> seats.Hold:
    return taken.take(seat, player, name=player, token_id=token_id)


def _input(first: int, *values: int) -> wire.Input:
    return wire.Input(snapshot_tick=0, first_seq=first, inputs=tuple(bytes((v,)) for v in values))


def test_a_player_takes_the_seat_of_a_human_and_leaves_it_to_the_rules() -> None:
    taken = _seats()
    assert (taken[S0].holder, taken.any_joined) == (wire.Holder.WAITING, False)
    hold = _take(taken, ADA, "t1")
    assert (taken[S0].holder, taken.all_joined) == (wire.Holder.HUMAN, True)
    assert taken.drop(S0, hold)
    assert taken[S0].holder is wire.Holder.STAND_IN
    assert taken.all_joined, "a player who came and left did come"


@pytest.mark.parametrize(
    ("player", "token", "seat", "code"),
    [
        (ADA, "t1", S0, wire.CloseCode.TOKEN_REFUSED),
        (BOB, "t2", S0, wire.CloseCode.SEAT_TAKEN),
        (ADA, "t2", S1, wire.CloseCode.SEAT_TAKEN),
        (ADA, "t2", Seat(7), wire.CloseCode.SEAT_TAKEN),
    ],
    ids=["a used token", "another player's seat", "a bot's seat", "no seat"],
)
def test_a_seat_is_refused(player: PlayerId, token: str, seat: Seat, code: wire.CloseCode) -> None:
    taken = _seats()
    _take(taken, ADA, "t1")
    with pytest.raises(errors.JoinRefused) as refused:
        _take(taken, player, token, seat)
    assert refused.value.code is code


def test_a_refused_player_may_use_the_token_elsewhere() -> None:
    taken = _seats()
    hold = _take(taken, ADA, "t1")
    with pytest.raises(errors.JoinRefused):
        _take(taken, BOB, "t2")
    taken.drop(S0, hold)
    _take(taken, BOB, "t2")
    assert taken[S0].player == BOB


def test_a_new_connection_of_the_same_player_takes_over_and_the_old_one_no_longer_counts() -> None:
    taken = _seats()
    old = _take(taken, ADA, "t1")
    taken.put(S0, old, _input(1, 5))
    new = _take(taken, ADA, "t2")
    assert not taken[S0].queue
    assert taken.put(S0, old, _input(2, 6)) == 1
    assert taken.put(S0, new, _input(1, 7)) == 0
    assert not taken.drop(S0, old)
    assert taken[S0].holder is wire.Holder.HUMAN
    assert [raw for _, raw in taken[S0].queue] == [b"\x07"]


@hypothesis.given(st.lists(st.integers(1, 6), max_size=10), st.integers(1, 8))
def test_the_newest_inputs_stay_and_the_rest_is_counted(counts: list[int], queue: int) -> None:
    taken = _seats(queue=queue)
    hold = _take(taken, ADA, "t1")
    sent = dropped = 0
    for count in counts:
        dropped += taken.put(S0, hold, _input(sent + 1, *range(count)))
        sent += count
    kept = [seq for seq, _ in taken[S0].queue]
    assert len(kept) + dropped == sent
    assert kept == list(range(sent - len(kept) + 1, sent + 1))
    assert len(kept) == min(sent, queue)


def test_presence_names_players_once_they_came_and_bots_by_policy() -> None:
    taken = _seats()
    before: Any = [(s.seat, s.holder, s.name) for s in taken.presence().seats]
    assert before == [(0, wire.Holder.WAITING, ""), (1, wire.Holder.BOT, "weak")]
    _take(taken, ADA, "t1")
    assert taken.presence().seats[0].name == "ada"
