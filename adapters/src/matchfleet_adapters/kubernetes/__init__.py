"""Kubernetes as `api` and the matchmaker use it: Matches asked for, watched, cancelled and removed.

matches      the port and its values: what the users of this package see
connection   from settings to a client of `kubernetes.aio`
cluster      the port on a real API server
memory       the port in memory, for tests; passes the same contract
material     Secrets and ConfigMaps of an install, made if absent
"""
