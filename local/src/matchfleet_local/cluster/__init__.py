"""A Kubernetes API in memory for the kinds Matchfleet uses, with pods as child processes.

The pure half decides: `store` (objects, versions, writes), `history` (watches), `collector`
(owners), `podlife` (what a kubelet would do). The shells move: `server` speaks HTTP, `kubelet`
runs processes, `controllers` feeds one change to the other.
"""
