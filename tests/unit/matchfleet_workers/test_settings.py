"""A worker that is told too little says what is missing and does not start."""

import pytest

from matchfleet_workers import __main__, errors, settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in ("POSTGRES_DSN", "RABBITMQ_URL", "REDIS_URL", "METRICS_PORT", "LOG_FORMAT"):
        monkeypatch.delenv(f"MATCHFLEET_{name}", raising=False)


def test_every_missing_variable_has_its_sentence():
    with pytest.raises(errors.SettingsInvalid) as caught:
        settings.load(settings.Ranking)
    text = str(caught.value)
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "MATCHFLEET_POSTGRES_DSN",
        "MATCHFLEET_RABBITMQ_URL",
        "MATCHFLEET_REDIS_URL",
    ]


@pytest.mark.parametrize("worker", ["ranking", "analytics", "jobs"])
def test_a_worker_without_settings_exits_with_2(worker, capsys):
    assert __main__.main([worker]) == 2
    assert "MATCHFLEET_POSTGRES_DSN" in capsys.readouterr().err


def test_a_log_format_that_does_not_exist_exits_with_2(monkeypatch, capsys):
    monkeypatch.setenv("MATCHFLEET_POSTGRES_DSN", "postgresql://h/d")
    monkeypatch.setenv("MATCHFLEET_RABBITMQ_URL", "amqp://h")
    monkeypatch.setenv("MATCHFLEET_LOG_FORMAT", "xml")
    assert __main__.main(["analytics"]) == 2
    assert "xml" in capsys.readouterr().err


def test_unknown_workers_are_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["dancing"])
    assert "ranking" in capsys.readouterr().err
