"""The cluster of make demo: a Kubernetes API in memory, pods as child processes."""
