"""Ranking: from `match.ended` to the match's end, its freed players and their ratings.

ending       decides what an event means for a match; pure
rating       decides what placements do to ratings; pure
recording    writes both in one transaction, once however often the event comes
ladders      keeps the view of the ladders in Redis, which may be lost at any moment
"""
