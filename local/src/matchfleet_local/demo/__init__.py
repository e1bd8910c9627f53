"""`make demo`: the whole product as local processes, and one match through all of them.

    topology   which processes there are, their environment, when each is ready: data, no I/O
    resources  the Fleets, the queues and the pods of the demo: data too
    children   one process: started on a leash, watched, restarted when it crashes
    product    all of it while it runs: addresses, and parts to stop, kill and start
    starting   the order in which it comes up, as a context manager
    console    what people are told, and how often

`running` is the way in, for tests as well; `python -m matchfleet_local.demo` is the same for a
shell.
"""

from matchfleet_local.demo.product import Product
from matchfleet_local.demo.starting import running

__all__ = ["Product", "running"]
