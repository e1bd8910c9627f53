"""How to reach the API server and as whom: from a kubeconfig, or as a pod does.

A pod's token is a file that is replaced every hour or so; it is read again, never kept for long.
Helper programs of a kubeconfig (`exec`) are not run: the operator runs as a pod, or locally with a
kubeconfig that holds what it needs.
"""

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from matchfleet_operator import errors

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One way into one cluster; PEM texts are kept as text, the token as text or as a file."""

    server: str
    namespace: str = "default"
    authority: str = ""
    insecure: bool = False
    token: str = ""
    token_file: Path | None = None
    certificate: str = ""
    private_key: str = ""

    def bearer(self) -> str:
        """The token to present now; empty for none."""
        return self.token_file.read_text().strip() if self.token_file is not None else self.token

    def tls(self) -> ssl.SSLContext | None:
        """How to speak TLS; None for plain HTTP."""
        if not self.server.startswith("https://"):
            return None
        context = ssl.create_default_context(cadata=self.authority or None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            self._present_certificate(context)
        return context

    def _present_certificate(self, context: ssl.SSLContext) -> None:
        # The ssl module takes certificates from files only.
        with tempfile.TemporaryDirectory(prefix="matchfleet-") as folder:
            certificate, key = Path(folder, "crt.pem"), Path(folder, "key.pem")
            key.touch(mode=0o600)
            certificate.write_text(self.certificate)
            key.write_text(self.private_key)
            context.load_cert_chain(certificate, key)


def in_cluster(
    environment: Mapping[str, str] = os.environ, folder: Path = SERVICE_ACCOUNT
) -> Access:
    """The access of a pod.

    Raises:
        errors.SettingsWrong: this is not a pod.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (folder / "token").exists():
        raise errors.SettingsWrong(
            "this is not a pod with a service account: set MATCHFLEET_KUBECONFIG to a kubeconfig"
        )
    bracketed = f"[{host}]" if ":" in host else host
    return Access(
        server=f"https://{bracketed}:{port}",
        namespace=(folder / "namespace").read_text().strip(),
        authority=(folder / "ca.crt").read_text(),
        token_file=folder / "token",
    )


def of_kubeconfig(path: Path) -> Access:
    """The access of a kubeconfig's current context.

    Raises:
        errors.SettingsWrong: it cannot be read, or asks for what we do not do.
    """
    try:
        config = yaml.safe_load(path.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"]).get("user") or {}
        return _of_parts(path.parent, context, cluster, user)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, StopIteration) as error:
        raise errors.SettingsWrong(f"the kubeconfig {path} cannot be used: {error!r}") from error


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(e for e in entries if e["name"] == name)


def _of_parts(
    folder: Path, context: dict[str, Any], cluster: dict[str, Any], user: dict[str, Any]
) -> Access:
    if "exec" in user or "auth-provider" in user:
        raise errors.SettingsWrong(
            "the kubeconfig gets its credentials from a helper program: use one with a token or "
            "a client certificate"
        )
    token_file = user.get("tokenFile")
    return Access(
        server=str(cluster["server"]).rstrip("/"),
        namespace=context.get("namespace") or "default",
        authority=_text(cluster, "certificate-authority", folder),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        token=user.get("token") or "",
        token_file=folder / token_file if token_file else None,
        certificate=_text(user, "client-certificate", folder),
        private_key=_text(user, "client-key", folder),
    )


def _text(entry: dict[str, Any], name: str, folder: Path) -> str:
    """A PEM text that stands in the kubeconfig itself or in a file beside it."""
    if data := entry.get(f"{name}-data"):
        return base64.b64decode(data).decode()
    return (folder / entry[name]).read_text() if entry.get(name) else ""
