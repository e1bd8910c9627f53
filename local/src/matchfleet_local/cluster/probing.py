"""How single probe answers become a verdict: thresholds, and the order of the three probes.

Startup gates the other two; liveness counts as failed only after `failureThreshold` answers in
a row, readiness turns in both directions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """One probe of a container.

    Attributes:
        kind: `http` or `tcp`.
        path: only for http.
        host: empty for the pod's own address.
    """

    kind: str
    port: int
    path: str = "/"
    host: str = ""
    delay_s: float = 0
    period_s: float = 10
    timeout_s: float = 1
    successes: int = 1
    failures: int = 3


@dataclass(frozen=True, slots=True)
class Tally:
    """The answers so far: the standing verdict, and how many in a row speak against it."""

    verdict: bool
    against: int = 0

    def after(self, *, answer: bool, check: Check) -> "Tally":
        """The tally after one more answer."""
        if answer == self.verdict:
            return replace(self, against=0)
        needed = check.successes if answer else check.failures
        if self.against + 1 >= needed:
            return Tally(answer)
        return replace(self, against=self.against + 1)


class UnknownProbe(Exception):
    """The probe is of a kind that is not run here."""


def read(container: Mapping[str, Any], name: str) -> Check | None:
    """The probe of a container, or None when it has none.

    Raises:
        UnknownProbe: an exec or gRPC probe, or a port name that the container does not have.
    """
    probe = container.get(name)
    if not probe:
        return None
    http, tcp = probe.get("httpGet"), probe.get("tcpSocket")
    target = http or tcp
    if not target:
        raise UnknownProbe(f"{name}: only httpGet and tcpSocket probes are run here")
    return Check(
        kind="http" if http else "tcp",
        port=_port(container, target["port"], name),
        path=target.get("path") or "/",
        host=target.get("host") or "",
        delay_s=probe.get("initialDelaySeconds") or 0,
        period_s=probe.get("periodSeconds") or 10,
        timeout_s=probe.get("timeoutSeconds") or 1,
        successes=probe.get("successThreshold") or 1,
        failures=probe.get("failureThreshold") or 3,
    )


def _port(container: Mapping[str, Any], port: Any, name: str) -> int:
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    raise UnknownProbe(f"{name}: the container has no port named {port!r}")
