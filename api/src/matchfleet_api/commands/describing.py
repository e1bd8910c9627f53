"""`openapi`: the API's description as JSON, made without any store.

`docs/openapi.json` is what this prints; a test fails when the two differ, so that no change of the
API goes unseen.
"""

import json
from typing import Any, cast

from matchfleet_adapters.postgres import pool
from matchfleet_api import app, clock
from matchfleet_api.routes import health as health_routes
from matchfleet_telemetry import health


def text() -> str:
    """The description, always the same for the same code."""
    return json.dumps(app.create(_nothing()).openapi(), indent=2, sort_keys=True) + "\n"


def _nothing() -> app.Services:
    """Services that nobody will ask: describing routes needs none of them."""
    unused = cast("Any", None)
    database = pool.Database(unused, pool.PoolSettings())
    return app.Services(
        accounts=unused,
        players=unused,
        tickets=unused,
        matches=unused,
        hours=unused,
        auditor=unused,
        channel=unused,
        readiness=health_routes.Readiness(database, health.Board()),
        issuer=unused,
        ring=unused,
        queues={},
        clock=clock.SystemClock(),
        admin_token_file=None,
    )
