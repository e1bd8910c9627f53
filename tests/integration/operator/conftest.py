"""The operator against a real API server; see tests/plugins/operator_bench.py."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import operator_bench
import operator_nodes
import pytest


@pytest.fixture(scope="session")
def with_crds(kube_api: Any) -> Any:
    operator_bench.apply_crds(kube_api)
    return kube_api


@pytest.fixture
async def bench(with_crds: Any, tmp_path: Path) -> AsyncIterator[operator_bench.Bench]:
    """A namespace of its own, without an operator yet."""
    async with operator_bench.opened(with_crds.kubeconfig, tmp_path) as found:
        yield found


@pytest.fixture
async def nodes(bench: operator_bench.Bench) -> AsyncIterator[operator_nodes.Nodes]:
    """Two nodes of the test's own, which take servers."""
    made = operator_nodes.Nodes(bench)
    await made.make()
    yield made
    await made.remove()
