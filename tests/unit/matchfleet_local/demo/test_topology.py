from pathlib import Path

import pytest

from matchfleet_local.demo import topology

FILES = topology.Files(Path("/demo"))
PORTS = topology.ports(tuple(range(20_000, 20_000 + len(topology.listeners()))))
STORES = topology.Datastores(
    postgres_dsn="postgresql://secret@here", redis_url="redis://here", rabbitmq_url="amqp://here"
)
ALL = tuple(topology.served(name, FILES, PORTS, STORES) for name in topology.SERVED)
BY_NAME = {process.name: process for process in ALL}


def test_everything_that_listens_has_a_port_of_its_own() -> None:
    taken = [PORTS.cluster, PORTS.api, PORTS.bots, *PORTS.metrics.values()]
    assert len(set(taken)) == len(taken) == len(topology.listeners())


@pytest.mark.parametrize("process", ALL, ids=topology.SERVED)
def test_every_process_says_when_it_is_ready_and_shows_its_metrics(
    process: topology.Process,
) -> None:
    assert process.ready_url is not None
    assert process.ready_url.endswith("/readyz")
    assert process.metrics_url is not None
    assert process.metrics_url.endswith("/metrics")
    assert process.environment["MATCHFLEET_METRICS_HOST"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("bots", {"MATCHFLEET_POSTGRES_DSN", "MATCHFLEET_REDIS_URL", "MATCHFLEET_RABBITMQ_URL"}),
        ("operator", {"MATCHFLEET_POSTGRES_DSN", "MATCHFLEET_REDIS_URL"}),
        ("ranking", {"MATCHFLEET_KUBECONFIG"}),
        ("analytics", {"MATCHFLEET_KUBECONFIG", "MATCHFLEET_REDIS_URL"}),
    ],
)
def test_a_process_is_told_nothing_that_it_does_not_need(name: str, unknown: set[str]) -> None:
    assert not unknown & BY_NAME[name].environment.keys()


def test_private_keys_and_the_admin_token_have_one_reader_each() -> None:
    for variable, reader in {
        "MATCHFLEET_API_SIGNING_KEYS": "api",
        "MATCHFLEET_OPERATOR_SIGNING_KEYS": "operator",
        "MATCHFLEET_ADMIN_TOKEN_FILE": "api",
    }.items():
        assert [p.name for p in ALL if variable in p.environment] == [reader]


def test_who_reads_keys_or_the_kubeconfig_waits_for_them() -> None:
    for process in ALL:
        values = " ".join(process.environment.values())
        assert (str(FILES.keys) in values) == (process.name in topology.READ_KEYS)
        assert (str(FILES.kubeconfig) in values) == (process.name in topology.USE_CLUSTER)


def test_the_cluster_is_never_started_again_for_it_would_be_another_one() -> None:
    cluster = topology.cluster(FILES, PORTS, crds=Path("/crds"))
    assert not cluster.may_restart
    assert cluster.ready_file == FILES.kubeconfig
    assert all(process.may_restart for process in ALL)


def test_everything_is_kept_below_one_directory() -> None:
    for path in (FILES.keys, FILES.queues, FILES.kubeconfig, FILES.logs, FILES.datastores):
        assert FILES.directory in path.parents
