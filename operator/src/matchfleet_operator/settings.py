"""What the operator is told by its environment: `MATCHFLEET_*`, each with its unit.

Wrong or missing values end the process at once, with a sentence for each.
"""

from pathlib import Path
from typing import Literal, Self

import pydantic
import pydantic_settings

from matchfleet_contracts import errors as contract_errors
from matchfleet_operator import errors
from matchfleet_operator.acting import assign
from matchfleet_operator.leading import lease
from matchfleet_operator.planning import rules
from matchfleet_operator.watching import access

_PREFIX = "MATCHFLEET_"


class Settings(pydantic_settings.BaseSettings):
    """Everything that may be chosen about an operator.

    Attributes:
        namespace: whose Matches and Fleets it serves; that of the pod or kubeconfig if not set.
        kubeconfig: how to reach the API server; not set, as a pod does.
        operator_signing_keys: private JWK set that signs assignments.
        api_public_keys: public JWK set of `api`, handed to servers; read for each assignment.
        wait_seconds: how long to wait at start for the API server and the CRDs.
        read_nodes: whether to try to read nodes, which takes a ClusterRole: players are told their
            external addresses then, and a broken node is noticed sooner.
        health_port: where /livez and /readyz are served; 0 means nowhere.
        metrics_port: where /metrics is served, with the two as well; 0 means nowhere.
        requests_at_once: requests to the API server; claims come first, and the others wait here.
        audit_seconds: between two complete lists.
        silent_seconds: without any audit or event for this long, the process calls itself dead.
        stop_seconds: how long work in hand may take after SIGTERM, before another replica leads.
        lease_name: the Lease by which one replica of all in the namespace leads.
        lease_seconds: not renewed for this long, it is anybody's.
        lease_renew_seconds: a leader that cannot renew it for this long stops acting; what it asked
            for in the last moment is over by the end of the Lease.
        lease_retry_seconds: between two renewals; a standby looks twice as often.
        release_seconds: how long claimed pods are let go of after SIGTERM, if the namespace ends.
        watch_failures: kopf may end so often within ten minutes before the process ends, too.
        queue_depth_stale_seconds: a queue's depth that was not said again for this long counts as
            0; the matchmaker says it every MATCHFLEET_DEPTH_REPEAT_SECONDS.
        event_detail: Kubernetes Events of all that happens, or of what goes wrong only.
    """

    model_config = pydantic_settings.SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    rabbitmq_url: str
    operator_signing_keys: Path
    api_public_keys: Path
    namespace: str = ""
    kubeconfig: Path | None = None
    pod_name: str = "matchfleet-operator"
    wait_seconds: float = pydantic.Field(default=120.0, ge=0)
    read_nodes: bool = True

    log_level: str = "INFO"
    log_format: str = "json"
    health_host: str = "0.0.0.0"  # noqa: S104  pods are reached from outside
    health_port: int = pydantic.Field(default=8081, ge=0, le=65535)
    metrics_host: str = "0.0.0.0"  # noqa: S104  pods are reached from outside
    metrics_port: int = pydantic.Field(default=9090, ge=0, le=65535)

    workers: int = pydantic.Field(default=32, ge=1, le=256)
    requests_at_once: int = pydantic.Field(default=16, ge=1, le=256)
    request_timeout_seconds: float = pydantic.Field(default=2.0, gt=0)
    writes_per_second: float = pydantic.Field(default=400.0, gt=0)
    writes_burst: int = pydantic.Field(default=800, ge=1)
    audit_seconds: float = pydantic.Field(default=30.0, gt=0)
    silent_seconds: float = pydantic.Field(default=180.0, gt=0)
    stop_seconds: float = pydantic.Field(default=1.0, ge=0)
    lease_name: str = "matchfleet-operator"
    lease_seconds: int = pydantic.Field(default=6, ge=2)
    lease_renew_seconds: float = pydantic.Field(default=4.0, gt=0)
    lease_retry_seconds: float = pydantic.Field(default=1.0, gt=0)
    release_seconds: float = pydantic.Field(default=20.0, ge=0)
    watch_failures: int = pydantic.Field(default=10, ge=1)

    event_detail: Literal["all", "abnormal"] = "abnormal"
    ack_seconds: float = pydantic.Field(default=5.0, gt=0)
    backstop_seconds: int = pydantic.Field(default=30, ge=0)
    kill_grace_seconds: int = pydantic.Field(default=2, ge=1)
    lost_seconds: float = pydantic.Field(default=15.0, gt=0)
    start_seconds: float = pydantic.Field(default=120.0, gt=0)
    retry_start_seconds: float = pydantic.Field(default=10.0, gt=0)
    retry_start_most_seconds: float = pydantic.Field(default=300.0, gt=0)
    creates_per_pass: int = pydantic.Field(default=8, ge=1)
    deletes_per_pass: int = pydantic.Field(default=8, ge=1)
    queue_depth_stale_seconds: float = pydantic.Field(default=30.0, gt=0)

    @pydantic.model_validator(mode="after")
    def _lease_is_safe(self) -> Self:
        if self.lease_retry_seconds >= self.lease_renew_seconds:
            raise ValueError(
                "MATCHFLEET_LEASE_RETRY_SECONDS must be less than MATCHFLEET_LEASE_RENEW_SECONDS: "
                "a leader that fails to renew once would stop"
            )
        if self.lease_renew_seconds + self.request_timeout_seconds > self.lease_seconds:
            raise ValueError(
                "MATCHFLEET_LEASE_RENEW_SECONDS and MATCHFLEET_REQUEST_TIMEOUT_SECONDS together "
                "must not exceed MATCHFLEET_LEASE_SECONDS: a request could outlive the Lease"
            )
        return self

    def timing(self) -> lease.Timing:
        """How long the Lease and its renewals last."""
        return lease.Timing(
            lasts_s=self.lease_seconds,
            renew_within_s=self.lease_renew_seconds,
            retry_s=self.lease_retry_seconds,
        )

    def rules(self) -> rules.Rules:
        """The limits the planners decide by."""
        return rules.Rules(
            ack_s=self.ack_seconds,
            backstop_s=self.backstop_seconds,
            kill_grace_s=self.kill_grace_seconds,
            lost_s=self.lost_seconds,
            creates=self.creates_per_pass,
            deletes=self.deletes_per_pass,
            start_s=self.start_seconds,
            retry_start_s=self.retry_start_seconds,
            retry_start_most_s=self.retry_start_most_seconds,
            depth_stale_s=self.queue_depth_stale_seconds,
            events_all=self.event_detail == "all",
        )

    def access(self) -> access.Access:
        """How to reach the API server.

        Raises:
            errors.SettingsWrong: not from here.
        """
        if self.kubeconfig is not None:
            return access.of_kubeconfig(self.kubeconfig)
        return access.in_cluster()

    def key_files(self) -> assign.KeyFiles:
        """The keys, once they have been seen to be keys.

        Raises:
            errors.SettingsWrong: they are not.
        """
        files = assign.KeyFiles(signing=self.operator_signing_keys, api_public=self.api_public_keys)
        try:
            files.signing_key()
            files.api_jwks()
        except (OSError, contract_errors.ContractError) as error:
            raise errors.SettingsWrong(
                f"the keys cannot be read: {error}; MATCHFLEET_OPERATOR_SIGNING_KEYS and "
                "MATCHFLEET_API_PUBLIC_KEYS name files made by `python -m matchfleet_api keys`"
            ) from error
        return files


def load() -> Settings:
    """The settings of this process.

    Raises:
        errors.SettingsWrong: a value is missing or wrong; the message names each.
    """
    try:
        # What has no default comes from the environment.
        return Settings()  # type: ignore[call-arg]
    except pydantic.ValidationError as error:
        problems = "; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())
        raise errors.SettingsWrong(problems) from error


def _sentence(where: tuple[int | str, ...], message: str) -> str:
    """What is wrong with one value, or with several that do not go together."""
    if not where:
        return message.removeprefix("Value error, ")
    return f"{_PREFIX}{'_'.join(map(str, where)).upper()}: {message}"
