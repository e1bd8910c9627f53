"""What a log line looks like: one JSON object, or one coloured line for a person at a terminal.

Our own events go straight to the stream; the records of libraries (uvicorn, kopf, aio-pika) come
through the standard library and are rendered by the same chain, so that one parser reads all.
Lines go to standard error: standard output belongs to what a command was asked to print.

Values under a name that holds a credential never reach the stream.
"""

import logging
import sys
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from matchfleet_telemetry import errors

JSON: Final = "json"
CONSOLE: Final = "console"
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_SECRET_NAMES: Final = frozenset(
    {"token", "access_token", "refresh_token", "password", "authorization", "dsn"}
)
# Each writes one line for every request or frame; what we want to know of them is in the metrics.
_CHATTY: Final = ("aio_pika", "asyncio", "websockets", "uvicorn.access")
# Each failed attempt is told by our own supervision of the broker, in one line instead of many.
_TOLD_BY_US: Final = ("aiormq",)


def configure(
    process: str, level: str = "INFO", *, fmt: str = JSON, stream: TextIO | None = None
) -> None:
    """Sets up logging of this process, once, before its first line.

    Args:
        process: the process's name; every line carries it.
        level: of our own events and of libraries; the chatty ones start at WARNING.
        fmt: `json` or `console`.
        stream: standard error unless told otherwise.

    Raises:
        errors.LogSettingUnknown: no such level or format.
    """
    level = level.upper()
    if level not in _LEVELS:
        raise errors.LogSettingUnknown(f"log level {level!r}: use one of {', '.join(_LEVELS)}")
    if fmt not in {JSON, CONSOLE}:
        raise errors.LogSettingUnknown(f"log format {fmt!r}: use {JSON} or {CONSOLE}")
    out = stream if stream is not None else sys.stderr
    chain = _chain(process)
    renderers = _renderers(fmt, colours=out.isatty())
    structlog.configure(
        processors=[*chain, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    _adopt_standard_library(chain, renderers, level=level, stream=out)


def _chain(process: str) -> list[Processor]:
    def name_process(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
        line["process"] = process
        return line

    return [
        structlog.contextvars.merge_contextvars,
        name_process,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        hide_secrets,
    ]


def hide_secrets(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Replaces the value of each field that is named like a credential."""
    for name in line.keys() & _SECRET_NAMES:
        line[name] = "[hidden]"
    return line


def _renderers(fmt: str, *, colours: bool) -> list[Processor]:
    if fmt == CONSOLE:
        return [structlog.dev.ConsoleRenderer(colors=colours)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _adopt_standard_library(
    chain: list[Processor], renderers: list[Processor], *, level: str, stream: TextIO
) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*chain, _name_logger, _name_resource],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # uvicorn and kopf bring handlers of their own, which would print every line a second time.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "kopf"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _TOLD_BY_US:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _name_logger(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    line["logger"] = line["_record"].name
    return line


def _name_resource(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    # kopf hangs the object a line is about onto its records.
    resource: Any = getattr(line["_record"], "k8s_ref", None)
    if isinstance(resource, dict):
        line["kind"] = resource.get("kind")
        line["name"] = resource.get("name")
        line["namespace"] = resource.get("namespace")
    return line
