"""Whether an image registry answers: asked once, within seconds, and remembered for a while.

A machine without a registry would otherwise spend minutes on pulls that cannot succeed.
MATCHFLEET_REGISTRY=off says no without asking.
"""

import os
import time
import urllib.error
import urllib.request

from tools.cluster import commands, places, versions

PROBE_TIMEOUT_S = 8
REMEMBERED_S = 900
_REGISTRY_API = "https://registry-1.docker.io/v2/"


def answers(where: places.Places) -> bool:
    """Whether published images can be pulled."""
    if os.environ.get("MATCHFLEET_REGISTRY", "auto") == "off":
        return False
    memory = where.cache / "registry-answers"
    if memory.exists() and time.time() - memory.stat().st_mtime < REMEMBERED_S:
        return memory.read_text() == "yes"
    answer = _probe()
    where.cache.mkdir(parents=True, exist_ok=True)
    memory.write_text("yes" if answer else "no")
    return answer


def _probe() -> bool:
    if commands.find("docker"):
        # The client asks the registry itself, so this needs no engine.
        argv = ["docker", "manifest", "inspect", versions.PUBLISHED_NODE_IMAGE]
        if commands.attempt(argv, timeout_s=PROBE_TIMEOUT_S) is not None:
            return True
    try:
        with urllib.request.urlopen(_REGISTRY_API, timeout=PROBE_TIMEOUT_S):
            return True
    except urllib.error.HTTPError as refused:
        # It answers, and asks for a token: that is what a registry does.
        return refused.code == 401
    except OSError:
        return False
