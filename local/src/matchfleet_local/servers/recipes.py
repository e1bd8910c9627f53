"""What a server is, before it runs: the files it needs, the commands, the signals.

A recipe is a pure function of the program's place, a home directory, ports and secrets, so the
whole of what will be executed can be read, and tested, without executing anything.
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
USER = "matchfleet"


@dataclass(frozen=True, slots=True)
class Command:
    """One program to run in a server's home, with what it is told on its standard input."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    told: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one server is prepared, served and stopped.

    Attributes:
        name: the server's name, in messages and file names.
        home: its private directory, owned by the account that serves.
        files: text to place in the home before anything runs, by relative path.
        prepare: commands run once, when the home is new.
        serve: the command that stays.
        port: the loopback port that clients use.
        stop_signal: asks for an orderly end that keeps the data.
        leash_signal: what the kernel sends when our process is gone.
        ready_within_s: how long a start may take on a slow machine.
        stop_within_s: how long an orderly end may take before it is forced.
        links: symbolic links to make in the home before anything runs, by relative path.
        holds_input: whether its standard input stays open as long as it runs, and ends it.
        before: commands run before each start; that they fail means that there was nothing to do.
        crash: ends it as a crash would, where killing the process that we started would not.
        erase: commands that remove what it keeps outside its home.
    """

    name: str
    home: Path
    files: Mapping[str, str]
    prepare: Sequence[Command]
    serve: Command
    port: int
    stop_signal: signal.Signals
    leash_signal: signal.Signals
    ready_within_s: float = 60.0
    stop_within_s: float = 15.0
    links: Mapping[str, Path] = field(default_factory=dict)
    holds_input: bool = False
    before: Sequence[Command] = ()
    crash: Command | None = None
    erase: Sequence[Command] = ()
