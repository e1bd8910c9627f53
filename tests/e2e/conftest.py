"""The stories' stage: one install a session, chosen by `--substrate local|kind`.

Stories of one process run one after another on one event loop, in the order of their numbers; each
leaves the install whole and its audit clean, so that a failure is its own. Where there are several
processes, each has a local install of its own, and all share the one on kind.
"""

import os
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import installs
import installs_kind
import installs_local
import pytest
import pytest_asyncio
import stage as stages

from matchfleet_client import transport

HERE = Path(__file__).parent
SUBSTRATES = ("local", "kind")
TIMES = "seconds of matches"
_failed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--substrate`: what the product runs on."""
    parser.addoption("--substrate", choices=SUBSTRATES, default="local", help="local or kind")


class Times:
    """The times of all matches, whichever process noted them, for people at the end."""

    def __init__(self) -> None:
        self.measures = stages.Measures()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what the stage left in the report."""
        for name, value in report.user_properties if report.when == "teardown" else ():
            if name == TIMES:
                self.measures.add(*value)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say them."""
        for line in self.measures.lines():
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Room for the times of all matches."""
    config.pluginmanager.register(Times())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One loop for all stories; those of another substrate are left out, not skipped."""
    substrate = config.getoption("--substrate")
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        if HERE not in item.path.parents:
            kept.append(item)
            continue
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        marked = {name for name in SUBSTRATES if item.get_closest_marker(name)}
        (kept if substrate in marked else left_out).append(item)
    items[:] = kept
    if left_out:
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the stage know at its end whether its story failed."""
    report = yield
    if call.when == "call":
        item.stash[_failed] = report.failed
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def install(request: pytest.FixtureRequest) -> AsyncIterator[installs.Install]:
    """The install that this session's stories are played on."""
    if request.config.getoption("--substrate") == "kind":
        async with installs_kind.running(os.environ) as cluster:
            yield cluster
        return
    async with installs_local.running() as local:
        yield local


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    install: installs.Install, request: pytest.FixtureRequest
) -> AsyncIterator[stages.Stage]:
    """The stage: whole at the start of a story, and whole again for the next."""
    await install.until_whole()
    measures = stages.Measures()
    async with transport.AiohttpTransport(install.api_url) as carrier:
        yield stages.Stage(install, carrier, measures)
    both = (measures.ticket_to_playable, measures.end_to_rating)
    request.node.user_properties.append((TIMES, both))
    if request.node.stash.get(_failed, False):
        for name, words in (await install.logs()).items():
            print(f"---- {name}\n{words}")
    await install.until_whole()
