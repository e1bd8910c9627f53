"""Two nodes of a real API server for a test of the operator, and the scheduler, played by hand."""

import uuid
from typing import Any

from operator_bench import Bench


class Nodes:
    """Two nodes of this test's own."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        mark = uuid.uuid4().hex[:6]
        self.first, self.second = f"first-{mark}", f"second-{mark}"

    async def make(self) -> None:
        for name in (self.first, self.second):
            body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            await self._bench.call("POST", "/api/v1/nodes", body)
            # Admission taints a new node until its kubelet is heard.
            await self._bench.call("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": None}})
            ready = {"conditions": [{"type": "Ready", "status": "True"}]}
            await self._bench.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": ready})

    async def cordon(self, name: str, *, undo: bool = False) -> None:
        spec = {"unschedulable": None if undo else True}
        await self._bench.call("PATCH", f"/api/v1/nodes/{name}", {"spec": spec})

    async def remove(self) -> None:
        for name in (self.first, self.second):
            await self._bench.call("DELETE", f"/api/v1/nodes/{name}")

    async def bind(self, node: str) -> None:
        """What a scheduler does with all pods that have no node."""
        for pod in await self._bench.pods():
            if "nodeName" in pod["spec"] or "deletionTimestamp" in pod["metadata"]:
                continue
            name = pod["metadata"]["name"]
            target = {"apiVersion": "v1", "kind": "Node", "name": node}
            body = {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": name},
                "target": target,
            }
            await self._bench.call("POST", self._bench.path("pods", name, "binding"), body)
        await self._bench.start_pods()

    async def until_idle(self, node: str, count: int = 1) -> list[str]:
        """The idle servers on a node, once there are as many."""

        async def enough() -> list[str] | None:
            await self.bind(node)
            found = [
                p["metadata"]["name"]
                for p in await self._bench.pods()
                if p["spec"].get("nodeName") == node
                and p["metadata"]["labels"]["matchfleet.dev/state"] == "idle"
                and p["status"]["phase"] == "Running"
                and "deletionTimestamp" not in p["metadata"]
            ]
            return found if len(found) == count else None

        found: list[str] = await self._bench.until(enough)
        return found

    async def deletion_of(self, pod: str) -> dict[str, Any] | None:
        """A pod's metadata once its deletion was asked for."""
        found = {p["metadata"]["name"]: p["metadata"] for p in await self._bench.pods()}
        return found[pod] if "deletionTimestamp" in found[pod] else None
