"""Which of the plugins in tests/plugins the tests use."""

import importlib.util

PLUGINS = ("datastores", "control_plane", "local_cluster", "alone")

pytest_plugins = [name for name in PLUGINS if importlib.util.find_spec(name)]
