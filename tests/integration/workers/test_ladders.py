"""The view of the ladders: what may be read of it is what PostgreSQL has, whatever happened."""

import pytest

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import leaderboard, ranking
from matchfleet_workers.ranking import ladders

from .conftest import GAME, MODE


async def last_move(world):
    return await leaderboard.last_move(world.sql, game=GAME, mode=MODE)


async def truth(world):
    entries = await leaderboard.top(world.sql, game=GAME, mode=MODE, limit=100)
    return [(entry.player_id, entry.rating) for entry in entries]


class SwallowedOnce:
    """A view whose next change never arrives, as when its worker dies before it is told."""

    def __init__(self, view):
        self._view = view

    def __getattr__(self, name):
        return getattr(self._view, name)

    async def change(self, *_, **__):
        self.change = self._view.change
        return True


async def test_a_match_that_was_rated_and_never_shown_is_shown_when_it_comes_again(
    world, recorder, view
):
    first, second = await world.match(), await world.match()
    await recorder.handle(first.ended(1, 2))
    recorder._display._view = SwallowedOnce(view)
    await recorder.handle(second.ended(1, 2))
    assert (await view.top(GAME, MODE, limit=9)).last < await last_move(world)
    recorder._display._replaced_at_s.clear()
    await recorder.handle(second.ended(1, 2))
    shown = await view.top(GAME, MODE, limit=9)
    assert (shown.rows, shown.last) == (await truth(world), await last_move(world))


async def test_what_another_worker_did_not_show_is_noticed_by_the_next_match(
    world, recorder, database, view
):
    first, second, third = [await world.match() for _ in range(3)]
    await recorder.handle(first.ended(1, 2))
    other = ladders.Display(SwallowedOnce(view), database)
    recorder._display, mine = other, recorder._display
    await recorder.handle(second.ended(1, 2))
    recorder._display = mine
    mine._replaced_at_s.clear()
    await recorder.handle(third.ended(1, 2))
    shown = await view.top(GAME, MODE, limit=9)
    assert (shown.rows, shown.last) == (await truth(world), await last_move(world))


async def test_a_whole_ladder_is_not_read_for_every_match(world, recorder, view):
    clock = [0.0]
    recorder._display._clock_s = lambda: clock[0]
    for at_s, is_shown in ((0.0, True), (1.0, False), (4.0, False), (5.0, True), (5.1, True)):
        clock[0] = at_s
        if at_s < 5:
            await view.withdraw(GAME, MODE)  # as if it had missed a move
        match = await world.match()
        await recorder.handle(match.ended(1, 2))
        shown = await view.top(GAME, MODE, limit=99)
        assert (shown is not None) == is_shown, at_s
        if shown is not None:
            assert (shown.rows, shown.last) == (await truth(world), await last_move(world))


@pytest.mark.parametrize(
    ("after", "last", "is_shown"),
    [
        pytest.param(10, 12, True, id="the-next"),
        pytest.param(9, 12, True, id="beside-another-match"),
        pytest.param(11, 13, False, id="one-is-missing"),
        pytest.param(8, 10, False, id="the-view-was-read-later"),
    ],
)
async def test_moves_that_do_not_fit_are_refused(view, after, last, is_shown):
    await view.replace(GAME, MODE, ratings={"a": 1500, "b": 1490}, last=10)
    done = await view.change(GAME, MODE, ratings={"b": 1510}, after=after, last=last)
    assert done == is_shown
    shown = await view.top(GAME, MODE, limit=9)
    if is_shown:
        assert (shown.rows, shown.last) == ([("b", 1510), ("a", 1500)], last)
    else:
        # It still says truly what it holds, or nothing.
        assert shown is None or (shown.rows[0], shown.last) == (("a", 1500), 10)


async def test_equal_ratings_are_in_the_order_of_postgresql(world, database, view):
    players = await world.players(5)
    await world.sql.executemany(
        "INSERT INTO ratings (player_id, game, mode, rating) VALUES ($1, $2, $3, 1500)",
        [(player, GAME, MODE) for player in players],
    )
    await ladders.replace(view, database, game=GAME, mode=MODE)
    assert (await view.top(GAME, MODE, limit=3)).rows == (await truth(world))[:3]


async def test_the_moves_of_a_match_follow_what_was_there(world, recorder):
    stretches = []
    for _ in range(2):
        match = await world.match()
        await recorder.handle(match.ended(1, 2))
        moves = await ranking.ladder_changes(world.sql, game=GAME, mode=MODE, after=0)
        stretches.append(moves.last)
    assert stretches == sorted(set(stretches))
    assert stretches[-1] == await last_move(world)


async def test_a_redis_that_is_away_holds_up_no_rating(world, recorder, view, redis_server):
    await redis_server.stop()
    match = await world.match()
    await recorder.handle(match.ended(1, 2))
    await recorder.handle(match.ended(1, 2))
    assert await world.rated() == 1
    with pytest.raises(errors.Unavailable):
        await view.top(GAME, MODE, limit=9)
