"""Values that do not go together are refused with a sentence that says what to change."""

import pytest

from matchfleet_operator import errors, settings

NEEDED = {
    "MATCHFLEET_RABBITMQ_URL": "amqp://localhost",
    "MATCHFLEET_OPERATOR_SIGNING_KEYS": "signing.json",
    "MATCHFLEET_API_PUBLIC_KEYS": "public.json",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_defaults_go_together():
    timing = settings.load().timing()
    assert (timing.lasts_s, timing.renew_within_s, timing.retry_s) == (6, 4, 1)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MATCHFLEET_LEASE_RETRY_SECONDS", "4", "must be less than MATCHFLEET_LEASE_RENEW_SECONDS"),
        ("MATCHFLEET_LEASE_RENEW_SECONDS", "5", "must not exceed MATCHFLEET_LEASE_SECONDS"),
        ("MATCHFLEET_REQUEST_TIMEOUT_SECONDS", "3", "must not exceed MATCHFLEET_LEASE_SECONDS"),
        ("MATCHFLEET_LEASE_SECONDS", "1", "MATCHFLEET_LEASE_SECONDS: "),
    ],
)
def test_a_lease_that_would_let_two_lead_is_refused(environment, name, value, sentence):
    environment.setenv(name, value)
    with pytest.raises(errors.SettingsWrong, match=sentence):
        settings.load()
