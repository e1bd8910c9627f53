"""Which of the replicas acts: a Lease, and nothing written without it."""
