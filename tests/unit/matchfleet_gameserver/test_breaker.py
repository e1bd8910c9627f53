"""When a bot service is left alone."""

from matchfleet_gameserver import breaker


def test_it_opens_after_misses_in_a_row_and_an_answer_closes_it() -> None:
    one = breaker.Breaker(misses_allowed=3, rest_ticks=100)
    for tick in (1, 2):
        one.missed(tick)
    one.answered()
    for tick in (3, 4):
        one.missed(tick)
        assert one.may_ask(tick)
    one.missed(5)
    assert not one.may_ask(104)
    assert one.may_ask(105), "one question on trial"
    assert not one.may_ask(106)
    one.answered()
    assert one.may_ask(107)


def test_a_miss_on_trial_opens_it_again() -> None:
    one = breaker.Breaker(misses_allowed=1, rest_ticks=10)
    one.missed(1)
    assert one.may_ask(11)
    one.missed(12)
    assert not one.may_ask(21)
    assert one.may_ask(22)
