"""What two rooms share: ids, resources, results, events, token claims and the wire codec.

Nothing in this package does I/O, reads a clock or draws a random number: time, seeds and ids are
arguments, so that every value built here can be rebuilt from a log.
"""
