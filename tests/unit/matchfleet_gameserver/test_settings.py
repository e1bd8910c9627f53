"""What the environment of a game server must hold."""

import pydantic
import pytest

from matchfleet_gameserver import settings

COMPLETE = {
    "MATCHFLEET_GAME": "airhockey",
    "MATCHFLEET_POD_UID": "pod",
    "MATCHFLEET_OPERATOR_PUBLIC_KEYS": "/keys",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)


def test_three_settings_are_enough() -> None:
    knobs = settings.load()
    assert (knobs.game_port, knobs.control_port, knobs.pod_ip) == (7777, 7778, "127.0.0.1")
    assert str(knobs.termination_log) == "/dev/termination-log"


@pytest.mark.parametrize("missing", COMPLETE)
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(pydantic.ValidationError, match=missing.removeprefix("MATCHFLEET_").lower()):
        settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [("POD_UID", ""), ("GAME_PORT", "70000"), ("DRAIN_SECONDS", "soon"), ("STALL_SECONDS", "0")],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"MATCHFLEET_{name}", value)
    with pytest.raises(pydantic.ValidationError, match=name.lower()):
        settings.load()
