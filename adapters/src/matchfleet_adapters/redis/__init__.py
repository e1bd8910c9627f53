"""Redis, which may be flushed or away at any moment: a cache and nothing that is missed.

connection   a client that gives up quickly
store        the port: keys, values, expiry; on Redis
memory       the port in memory, for tests; passes the same contract
cache        reads that are remembered: single flight, jittered expiry, versions
"""
