"""How the operator finds its API server and its settings."""

import base64

import pytest
import yaml

from matchfleet_operator import errors, settings
from matchfleet_operator.watching import access


def a_kubeconfig(tmp_path, *, cluster=None, user=None):
    config = {
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "games"}}
        ],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1/"} | (cluster or {})}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_kubeconfig_with_a_token(tmp_path):
    found = access.of_kubeconfig(a_kubeconfig(tmp_path, user={"token": "t"}))
    assert (found.server, found.namespace) == ("http://127.0.0.1:1", "games")
    assert (found.bearer(), found.tls()) == ("t", None)


def test_a_token_in_a_file_is_read_again_each_time(tmp_path):
    (tmp_path / "token").write_text("one\n")
    found = access.of_kubeconfig(a_kubeconfig(tmp_path, user={"tokenFile": "token"}))
    assert found.bearer() == "one"
    (tmp_path / "token").write_text("two\n")
    assert found.bearer() == "two"


def test_certificates_stand_in_the_kubeconfig_or_beside_it(tmp_path):
    (tmp_path / "ca.pem").write_text("authority")
    inline = base64.b64encode(b"certificate").decode()
    path = a_kubeconfig(
        tmp_path,
        cluster={"certificate-authority": "ca.pem"},
        user={"client-certificate-data": inline, "client-key-data": inline},
    )
    found = access.of_kubeconfig(path)
    assert (found.authority, found.certificate, found.private_key) == (
        "authority",
        "certificate",
        "certificate",
    )


def test_credentials_from_a_helper_program_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(errors.SettingsWrong, match="token or a client certificate"):
        access.of_kubeconfig(a_kubeconfig(tmp_path, user={"exec": {"command": "aws"}}))


def test_a_kubeconfig_that_is_none_is_named(tmp_path):
    with pytest.raises(errors.SettingsWrong, match="nowhere"):
        access.of_kubeconfig(tmp_path / "nowhere")


def test_a_pod_finds_its_api_server(tmp_path):
    for name, text in {"token": "t", "namespace": "games", "ca.crt": "ca"}.items():
        (tmp_path / name).write_text(text)
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    found = access.in_cluster(environment, tmp_path)
    assert (found.server, found.namespace, found.authority) == (
        "https://[fd00::1]:443",
        "games",
        "ca",
    )
    with pytest.raises(errors.SettingsWrong, match="MATCHFLEET_KUBECONFIG"):
        access.in_cluster({}, tmp_path)


def test_missing_settings_are_named_together(monkeypatch):
    monkeypatch.delenv("MATCHFLEET_RABBITMQ_URL", raising=False)
    monkeypatch.delenv("MATCHFLEET_OPERATOR_SIGNING_KEYS", raising=False)
    monkeypatch.setenv("MATCHFLEET_WORKERS", "0")
    with pytest.raises(errors.SettingsWrong) as told:
        settings.load()
    for name in ("RABBITMQ_URL", "OPERATOR_SIGNING_KEYS", "WORKERS"):
        assert f"MATCHFLEET_{name}" in str(told.value)
