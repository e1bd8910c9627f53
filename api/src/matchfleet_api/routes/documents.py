"""/docs: Swagger UI from files in this package. No request of it leaves the machine.

The page and its assets carry a content policy that allows this origin alone, so that a mistake
here is stopped by the browser.
"""

import importlib.resources
from typing import Final

import fastapi

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
_TYPES: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
_PAGE: Final = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Matchfleet API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""


def router() -> fastapi.APIRouter:
    """The page and its assets."""
    routes = fastapi.APIRouter(include_in_schema=False)
    assets = {name: _asset(name) for name in _TYPES}

    @routes.get("/docs")
    async def page() -> fastapi.Response:
        return fastapi.Response(_PAGE, media_type="text/html; charset=utf-8", headers=_HEADERS)

    @routes.get("/docs/{name}")
    async def asset(name: str) -> fastapi.Response:
        if name not in assets:
            raise fastapi.HTTPException(404)
        return fastapi.Response(
            assets[name],
            media_type=_TYPES[name],
            headers={**_HEADERS, "Cache-Control": "public, max-age=86400"},
        )

    return routes


def _asset(name: str) -> bytes:
    folder = importlib.resources.files("matchfleet_api").joinpath("static", "swagger-ui")
    return folder.joinpath(name).read_bytes()
