"""Every line is one JSON object, whoever wrote it, and carries no credential."""

import io
import json
import logging

import pytest
import structlog

from matchfleet_telemetry import errors, logs


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def written(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_event_is_one_json_object_with_the_process_and_the_bound_context():
    stream = io.StringIO()
    logs.configure("ranking", "INFO", stream=stream)
    structlog.contextvars.bind_contextvars(match="m-1")
    structlog.get_logger().info("match_rated", delta=16)
    [line] = written(stream)
    assert line["event"] == "match_rated"
    assert line["process"] == "ranking"
    assert line["match"] == "m-1"
    assert line["delta"] == 16
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_a_library_s_record_goes_through_the_same_renderer():
    stream = io.StringIO()
    logs.configure("api", stream=stream)
    logging.getLogger("uvicorn.error").warning("bind %s", "failed")
    [line] = written(stream)
    assert line["event"] == "bind failed"
    assert line["logger"] == "uvicorn.error"
    assert line["process"] == "api"


def test_kopf_s_object_reference_becomes_fields():
    stream = io.StringIO()
    logs.configure("operator", stream=stream)
    reference = {"kind": "Match", "name": "m-1", "namespace": "games"}
    logging.getLogger("kopf.objects").info("seen", extra={"k8s_ref": reference})
    [line] = written(stream)
    assert (line["kind"], line["name"], line["namespace"]) == ("Match", "m-1", "games")


def test_an_exception_is_a_field_of_its_line():
    stream = io.StringIO()
    logs.configure("api", stream=stream)
    try:
        int("no")
    except ValueError:
        structlog.get_logger().exception("failed")
    [line] = written(stream)
    assert "ValueError: invalid literal" in line["exception"]


def test_a_field_named_like_a_credential_is_hidden():
    stream = io.StringIO()
    logs.configure("api", stream=stream)
    structlog.get_logger().info("login", token="ey.secret", player="p")
    assert "ey.secret" not in stream.getvalue()
    assert written(stream)[0]["player"] == "p"


def test_lines_below_the_level_are_not_written():
    stream = io.StringIO()
    logs.configure("api", "WARNING", stream=stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("any").info("quiet")
    assert stream.getvalue() == ""


def test_the_console_format_is_for_people():
    stream = io.StringIO()
    logs.configure("api", fmt="console", stream=stream)
    structlog.get_logger().info("hello", n=1)
    assert "hello" in stream.getvalue()
    assert "n=1" in stream.getvalue()


@pytest.mark.parametrize(("level", "fmt"), [("LOUD", "json"), ("INFO", "xml")])
def test_an_unknown_setting_is_refused_with_those_that_exist(level, fmt):
    with pytest.raises(errors.LogSettingUnknown, match="use"):
        logs.configure("api", level, fmt=fmt)
