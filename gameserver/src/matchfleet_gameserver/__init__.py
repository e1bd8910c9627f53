"""One authoritative match per process: Game interface, tick loop, netcode, games."""
