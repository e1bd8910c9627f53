"""The api's integration tests share the running application."""

from frontdoor import front_door

__all__ = ["front_door"]
