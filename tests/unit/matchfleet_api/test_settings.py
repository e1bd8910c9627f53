import os
import subprocess
import sys

import pytest

from matchfleet_api import errors, settings

GOOD = {
    "MATCHFLEET_POSTGRES_DSN": "postgresql://x/y",
    "MATCHFLEET_REDIS_URL": "redis://x",
    "MATCHFLEET_RABBITMQ_URL": "amqp://x",
    "MATCHFLEET_QUEUES_FILE": "/queues.json",
    "MATCHFLEET_API_SIGNING_KEYS": "/keys.json",
}


@pytest.fixture
def environment(monkeypatch):
    for name in [n for n in os.environ if n.startswith("MATCHFLEET_")]:
        monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_is_needed_is_enough(environment):
    found = settings.load(settings.Serve)
    assert (found.port, found.metrics_port, found.wait_seconds) == (8000, 9090, 120)
    assert found.kubeconfig is None
    settings.load(settings.Matchmaker)
    settings.load(settings.Migrate)


def test_each_mistake_is_a_line_that_names_its_variable(environment):
    environment.delenv("MATCHFLEET_POSTGRES_DSN")
    environment.setenv("MATCHFLEET_PORT", "many")
    environment.setenv("MATCHFLEET_REDIS_BUDGET_MS", "0")
    with pytest.raises(errors.SettingsInvalid) as refused:
        settings.load(settings.Serve)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "MATCHFLEET_POSTGRES_DSN",
        "MATCHFLEET_PORT",
        "MATCHFLEET_REDIS_BUDGET_MS",
    ]


@pytest.mark.parametrize("command", ["serve", "matchmaker", "migrate"])
def test_a_process_that_cannot_start_says_why_and_ends_with_2(command):
    done = subprocess.run(
        [sys.executable, "-m", "matchfleet_api", command],
        env={k: v for k, v in os.environ.items() if not k.startswith("MATCHFLEET_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "MATCHFLEET_POSTGRES_DSN: Field required" in done.stderr
    assert "Traceback" not in done.stderr
