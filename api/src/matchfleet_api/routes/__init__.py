"""REST: each route translates, calls a service, and translates back.

A module's `router` takes the services it needs and gives its routes, so nothing is global.
"""
