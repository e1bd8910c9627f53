"""The chart on a cluster of ours: installed, healthy, one match played, and what to try next."""
