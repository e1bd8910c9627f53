"""URL paths point at collections, objects and subresources."""

import pytest

from matchfleet_local.cluster import paths
from matchfleet_local.cluster.paths import Target


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/pods", Target("", "v1", "pods")),
        ("/api/v1/namespaces", Target("", "v1", "namespaces")),
        ("/api/v1/namespaces/x", Target("", "v1", "namespaces", "", "x")),
        ("/api/v1/namespaces/x/finalize", Target("", "v1", "namespaces", "", "x", "finalize")),
        ("/api/v1/namespaces/x/status", Target("", "v1", "namespaces", "", "x", "status")),
        ("/api/v1/namespaces/x/pods", Target("", "v1", "pods", "x")),
        ("/api/v1/namespaces/x/pods/p", Target("", "v1", "pods", "x", "p")),
        ("/api/v1/namespaces/x/pods/p/log", Target("", "v1", "pods", "x", "p", "log")),
        ("/apis/a.b/v1/namespaces/x/ws/w/status", Target("a.b", "v1", "ws", "x", "w", "status")),
        ("/apis/a.b/v1/ws/w", Target("a.b", "v1", "ws", "", "w")),
        ("/api", None),
        ("/apis/a.b/v1", None),
        ("/other/v1/pods", None),
        ("/api/v1/namespaces/x/pods/p/a/b", None),
    ],
)
def test_paths(path: str, target: Target | None) -> None:
    assert paths.parse(path) == target
