"""The front door: accounts, tickets, matchmaking, REST and the WebSocket channel."""
