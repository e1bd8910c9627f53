"""Python SDK and the matchfleet command."""
