"""Analytics: from every event to how much was played where, by the hour.

counting    decides what an event adds; pure
keeping     adds it, once however often the event comes
"""
