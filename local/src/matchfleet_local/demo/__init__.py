"""`make demo`: the whole product as local processes, and one match through all of them.

    topology   which processes there are, their environment, when each is ready: data, no I/O
    resources  the Fleets, the queues and the pods of the demo: data too
    children   one process: started on a leash, watched, restarted when it crashes
    product    all of it as a context manager, which tests use as well
    console    what people are told, and how often

`product.running(directory)` is the way in; `python -m matchfleet_local.demo` is the same for a
shell.
"""
