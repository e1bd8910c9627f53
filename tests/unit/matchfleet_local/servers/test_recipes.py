"""What each server is told, before anything runs."""

import re
from pathlib import Path

import pytest

from matchfleet_local.servers import postgres, rabbitmq, recipes, redis

HOME = Path("/home")
NODE = rabbitmq.Node(port=15001, distribution_port=15002, password="pw", cookie="secret-cookie")
SCRIPT = Path("/opt/broker/sbin/rabbitmq-server")


def every() -> list[recipes.Recipe]:
    return [
        postgres.recipe(Path("/pg/bin/postgres"), HOME, port=15000, password="pw"),
        redis.recipe(Path("/redis-server"), HOME, port=15003, password="pw"),
        rabbitmq.recipe(SCRIPT, HOME, node=NODE, trimmed={}),
    ]


@pytest.mark.parametrize("recipe", every(), ids=lambda recipe: recipe.name)
def test_every_server_listens_on_loopback_only_and_hides_its_secrets(
    recipe: recipes.Recipe,
) -> None:
    files = "\n".join(recipe.files.values())
    assert set(re.findall(r"\d+\.\d+\.\d+\.\d+", files)) == {recipes.LOOPBACK}
    for command in (*recipe.prepare, recipe.serve):
        # Anyone on the machine may read these two.
        assert not any(word == "pw" or "secret" in word for word in command.argv)
        assert not any("secret" in value for value in command.environment.values())


def test_postgresql_keeps_its_promises_and_opens_no_socket() -> None:
    recipe = every()[0]
    settings = recipe.files["postgresql.conf"]
    assert "fsync" not in settings
    assert "synchronous_commit" not in settings
    assert "unix_socket_directories = ''" in settings
    assert recipe.files["pg_hba.conf"].split() == [
        "host", "all", "all", "127.0.0.1/32", "scram-sha-256",
    ]  # fmt: skip


def test_redis_writes_down_what_it_is_told() -> None:
    config = every()[1].files["redis.conf"].splitlines()
    assert {"appendonly yes", "bind 127.0.0.1", "requirepass pw", "dir /home"} <= set(config)


def test_rabbitmq_needs_no_epmd_and_reads_no_file_of_the_machine() -> None:
    recipe = every()[2]
    environment = recipe.serve.environment
    erl = environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    assert "-start_epmd false -erl_epmd_port 15002" in erl
    assert "inet_dist_listen_min 15002 inet_dist_listen_max 15002" in erl
    assert environment["ERL_AFLAGS"] == "-start_epmd false"
    files = [value for name, value in environment.items() if name.endswith(("_FILE", "_BASE"))]
    assert len(files) >= 5
    assert all(value.startswith("/home/") for value in files)
    assert recipe.files["enabled_plugins"] == "[].\n"


def test_rabbitmq_starts_through_the_trimmed_tree_when_there_is_one() -> None:
    assert every()[2].serve.argv == (str(SCRIPT),)
    trimmed = {"sbin": SCRIPT.parent, "plugins/rabbit-1": Path("/opt/broker/plugins/rabbit-1")}
    recipe = rabbitmq.recipe(SCRIPT, HOME, node=NODE, trimmed=trimmed)
    assert recipe.serve.argv == ("/home/broker/sbin/rabbitmq-server",)
    assert recipe.links["broker/sbin"] == SCRIPT.parent


def test_addresses_carry_their_secrets_and_quote_their_names() -> None:
    assert postgres.dsn(1, "pw", "games") == "postgresql://matchfleet:pw@127.0.0.1:1/games"
    assert redis.url(2, "pw", 3) == "redis://:pw@127.0.0.1:2/3"
    assert rabbitmq.url(4, "pw") == "amqp://matchfleet:pw@127.0.0.1:4/%2F"


def test_virtual_hosts_are_made_in_one_piece_of_erlang() -> None:
    erlang = rabbitmq.add_vhosts(("a", "b"))
    assert erlang.count("rabbit_vhost:add(") == 2
    assert erlang.endswith(f"{rabbitmq.DONE}.\n")
