"""Logs, metrics and traces: set up alike in every process."""
