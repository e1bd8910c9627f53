"""The WebSocket channel: events for one player, pushed to wherever that player is connected.

messages   what goes over it, as values and JSON
hub        the connections of this process
fanout     events of the catalogue -> messages for players, and caches made to forget
endpoint   one connection: origin, login, sending, closing
"""
