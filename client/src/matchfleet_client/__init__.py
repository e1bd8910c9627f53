"""The Python SDK and the `matchfleet` command: log in, queue, play, watch, audit.

`api` speaks REST, `channel` listens to what the server pushes, `game` plays one match, and `play`
tells them together as one story. Sockets stand behind small protocols, so each part is proven
without a network.
"""
