"""Reads Fleets through the machine's own kubectl, with whatever configuration it has.

So clusters are reached as their owner reaches them, logins by plug-in and the account of a pod
included, and this client needs no Kubernetes library.
"""

import asyncio
import codecs
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from matchfleet_client import errors

RESOURCE = "fleets.matchfleet.dev"
READ_BYTES = 65_536
RECONNECT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which kubectl, and which cluster and namespace; empty for what kubectl takes by itself."""

    program: str = "kubectl"
    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""

    def command(self, *words: str) -> list[str]:
        """The words of a call.

        Raises:
            errors.KubectlMissing: there is no such program.
        """
        program = shutil.which(self.program)
        if program is None:
            raise errors.KubectlMissing(self.program)
        options = {
            "--kubeconfig": self.kubeconfig,
            "--context": self.context,
            "--namespace": self.namespace,
        }
        return [program, *(f"{k}={v}" for k, v in options.items() if v), *words]


async def fleets(reach: Reach, *, name: str = "") -> list[Any]:
    """The Fleets there are, or the one of that name, as resources.

    Raises:
        errors.KubectlMissing: there is no kubectl.
        errors.KubectlFailed: it could not read them.
    """
    async with _running(reach.command("get", RESOURCE, *_named(name), "-o=json")) as process:
        out, err = await process.communicate()
    if process.returncode:
        raise errors.KubectlFailed(err.decode(errors="replace"))
    found = json.loads(out)
    return list(found["items"]) if found.get("kind", "").endswith("List") else [found]


async def changes(reach: Reach, *, name: str = "") -> AsyncIterator[tuple[str, Any]]:
    """What happens to them from now on: ADDED, MODIFIED or DELETED, and the resource; for ever.

    Raises:
        errors.KubectlMissing: there is no kubectl.
        errors.KubectlFailed: it could not read them.
    """
    words = ("get", RESOURCE, *_named(name), "-o=json", "--watch", "--output-watch-events")
    while True:
        async with _running(reach.command(*words)) as process:
            assert process.stdout is not None  # noqa: S101  asked for below
            async for said in _documents(process.stdout):
                yield said["type"], said["object"]
            _, err = await process.communicate()
        if process.returncode:
            raise errors.KubectlFailed(err.decode(errors="replace"))
        # The API server ends each watch after a while; what is there then is told anew.
        await asyncio.sleep(RECONNECT_S)


def _named(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


async def _documents(stream: asyncio.StreamReader) -> AsyncIterator[Any]:
    """The JSON documents of a stream, as each is complete."""
    decoder, text = json.JSONDecoder(), ""
    # A character may be cut in two by the end of what was read.
    characters = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while read := await stream.read(READ_BYTES):
        text = (text + characters.decode(read)).lstrip()
        while text:
            try:
                document, end = decoder.raw_decode(text)
            except json.JSONDecodeError:
                break
            yield document
            text = text[end:].lstrip()


@contextlib.asynccontextmanager
async def _running(command: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
