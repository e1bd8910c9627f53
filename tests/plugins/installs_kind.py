"""The product on a kind cluster, for stories.

The cluster is up and the chart installed; MATCHFLEET_E2E_NAME, MATCHFLEET_E2E_CONTEXT and
MATCHFLEET_E2E_API say where, and MATCHFLEET_E2E_PATH where kubectl and helm are. Everything else
is asked of the cluster, as the chart's notes tell a person to.
"""

import asyncio
import base64
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping

import aiohttp
import commands
import installs

FULLNAME = "matchfleet"
ROLLED_OUT = "--timeout=180s"
OPERATORS = 2


class KindInstall:
    """Stories on a cluster."""

    name = "kind"

    def __init__(self, *, cluster: str, context: str, namespace: str, api_url: str) -> None:
        self.cluster = cluster
        self.context = context
        self.namespace = namespace
        self.api_url = api_url

    async def admin_token(self) -> str:
        """From the Secret that the keys hook made."""
        done = await self.kubectl("get", "secret", f"{FULLNAME}-admin", "-o", "json")
        return base64.b64decode(done.json()["data"]["token"]).decode().strip()

    async def kubectl(
        self, *arguments: str, check: bool = True, stdin: bytes | None = None
    ) -> installs.Done:
        """kubectl in the install's context and namespace."""
        where = ("--context", self.context, "--namespace", self.namespace)
        words = (_program("kubectl"), *where, *arguments)
        return await commands.run(*words, check=check, stdin=stdin)

    async def helm(self, *arguments: str) -> installs.Done:
        """helm in the install's context and namespace."""
        where = ("--kube-context", self.context, "--namespace", self.namespace)
        return await commands.run(_program("helm"), *where, *arguments)

    async def install_again(self) -> None:
        """What `make up` does once its cluster is up, but for the match."""
        words = ("-m", "tools.install", "--name", self.cluster, "--no-play")
        await commands.run(sys.executable, *words)

    async def sql(self, query: str) -> list[list[str]]:
        """psql in PostgreSQL's own pod."""
        done = await self._in_store("postgres", "psql", "-At", "-F", "\t", "-c", query)
        return [line.split("\t") for line in done.out.splitlines()]

    async def kill_pod(self, pod: str) -> None:
        """Deleted without grace: the kubelet sends SIGKILL."""
        await self.kubectl("delete", "pod", pod, "--force", "--grace-period=0", "--wait=false")

    async def kill_operator(self) -> None:
        """No replica is wanted, and those that run are killed."""
        await self._scale("deployment", "operator", 0)
        label = "app.kubernetes.io/component=operator"
        await self.kubectl("delete", "pod", "-l", label, "--force", "--grace-period=0")

    async def start_operator(self) -> None:
        """All replicas are wanted again."""
        await self._scale("deployment", "operator", OPERATORS)

    async def stop_store(self, store: str) -> None:
        """No replica is wanted; returns once it is gone."""
        await self._scale("statefulset", store, 0)
        label = f"app.kubernetes.io/component={store}"
        await self.kubectl("wait", "--for=delete", "pod", "-l", label, "--timeout=60s")

    async def start_store(self, store: str) -> None:
        """One replica is wanted again; returns once it answers."""
        await self._scale("statefulset", store, 1)
        await self.kubectl("rollout", "status", f"statefulset/{FULLNAME}-{store}", ROLLED_OUT)

    async def flush_redis(self) -> None:
        """FLUSHALL in Redis's own pod."""
        await self._in_store("redis", "redis-cli", "FLUSHALL")

    async def logs(self) -> dict[str, str]:
        """What kubectl gives of every pod, and how the pods are."""
        listed = await self.kubectl("get", "pods,matches,fleets", "-o", "wide", check=False)
        names = (await self.kubectl("get", "pods", "-o", "name", check=False)).out.split()
        told = await asyncio.gather(
            *(self.kubectl("logs", name, "--tail=40", check=False) for name in names)
        )
        return {"now": listed.out} | dict(zip(names, (done.out for done in told), strict=True))

    async def until_whole(self) -> None:
        """Every Deployment and StatefulSet is as wanted, and the API answers."""
        kinds = "deployments,statefulsets"
        found = (await self.kubectl("get", kinds, "-o", "json")).json()["items"]
        for item in found:
            if item["spec"].get("replicas", 1) == 0:
                kind, name = item["kind"].lower(), item["metadata"]["name"]
                count = OPERATORS if name == f"{FULLNAME}-operator" else 1
                await self.kubectl("scale", kind, name, f"--replicas={count}")
        names = [f"{item['kind'].lower()}/{item['metadata']['name']}" for item in found]
        await asyncio.gather(
            *(self.kubectl("rollout", "status", name, ROLLED_OUT) for name in names)
        )
        await self._until_api_answers()

    async def _until_api_answers(self) -> None:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.api_url}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.5)

    async def _scale(self, kind: str, component: str, replicas: int) -> None:
        name = f"{FULLNAME}-{component}"
        await self.kubectl("scale", kind, name, f"--replicas={replicas}")

    async def _in_store(self, store: str, *command: str) -> installs.Done:
        """Run a client in a store's own pod, whose environment says where and who."""
        return await self.kubectl("exec", f"{FULLNAME}-{store}-0", "--", *command)


@contextlib.asynccontextmanager
async def running(environment: Mapping[str, str]) -> AsyncIterator[KindInstall]:
    """The install that the environment names."""
    yield KindInstall(
        cluster=environment.get("MATCHFLEET_E2E_NAME", "matchfleet"),
        context=environment["MATCHFLEET_E2E_CONTEXT"],
        namespace=environment.get("MATCHFLEET_E2E_NAMESPACE", "matchfleet"),
        api_url=environment["MATCHFLEET_E2E_API"],
    )


def _program(name: str) -> str:
    found = shutil.which(name, path=commands.search_path(os.environ))
    assert found, f"{name} is not installed: `make doctor` says how to get it"
    return found
