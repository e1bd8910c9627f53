"""RabbitMQ's recipe: one node, no epmd, no second virtual machine.

RabbitMQ normally registers its node with epmd, a daemon that outlives whoever started it and that
a production RabbitMQ on the same machine would share. Since OTP 23 a node can be told the one port
on which all distribution is spoken (`-erl_epmd_port`), and then needs no epmd. When distribution
already runs at boot, RabbitMQ also skips the helper virtual machine by which it would have started
epmd: half a second less. `RABBITMQ_ALLOW_INPUT` makes the start script *become* the server instead
of minding it, so that the process we started is the server itself (its stdin stays closed by
`-noinput`).
"""

import signal
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matchfleet_local.servers import recipes

NODE = "matchfleet@localhost"
VHOST = "/"
DONE = "matchfleet_done"
"""What our Erlang evaluates to when nothing in it was refused."""
NOT_REACHED = "failed to connect to node"
"""What `erl_call` says when it evaluated nothing, as may be while the node starts."""
PERMISSIONS = '<<".*">>,<<".*">>,<<".*">>'


@dataclass(frozen=True, slots=True)
class Node:
    """One node's ports and secrets."""

    port: int
    distribution_port: int
    password: str
    cookie: str


def config(*, port: int, password: str) -> str:
    """Render rabbitmq.conf."""
    return "".join(
        f"{line}\n"
        for line in (
            f"listeners.tcp.1 = {recipes.LOOPBACK}:{port}",
            "num_acceptors.tcp = 2",
            f"default_vhost = {VHOST}",
            f"default_user = {recipes.USER}",
            f"default_pass = {password}",
            "loopback_users = none",
            "disk_free_limit.absolute = 64MB",
            "vm_memory_high_watermark.absolute = 384MiB",
            "collect_statistics = none",
            "log.file = false",
            "log.console = true",
            "log.console.level = info",
        )
    )


def environment(home: Path, *, distribution_port: int) -> Mapping[str, str]:
    """The start script's variables; each keeps one of its defaults off the machine's own files."""
    erl = (
        f"-noinput -sname {NODE}",
        f"-start_epmd false -erl_epmd_port {distribution_port}",
        "-kernel inet_dist_use_interface {127,0,0,1}",
        f"inet_dist_listen_min {distribution_port} inet_dist_listen_max {distribution_port}",
        "+S 2:2 +SDio 8 +A 4",
    )
    return {
        "HOME": str(home),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": " ".join(erl),
        # Every minute RabbitMQ starts a second virtual machine whose only use is to start epmd.
        "ERL_AFLAGS": "-start_epmd false",
    }


def recipe(program: Path, home: Path, *, node: Node, trimmed: Mapping[str, Path]) -> recipes.Recipe:
    """Plan a node in `home`, run by RabbitMQ's own start script at `program`.

    The script finds its installation from its own place, so reaching it through the links of
    `erlang_apps.trimmed_tree` is enough to make it see the trimmed tree.
    """
    links = {f"broker/{name}": target for name, target in trimmed.items()}
    script = home / "broker" / "sbin" / program.name if "sbin" in trimmed else program
    return recipes.Recipe(
        name="rabbitmq",
        home=home,
        files={
            "rabbitmq.conf": config(port=node.port, password=node.password),
            "enabled_plugins": "[].\n",
            ".erlang.cookie": node.cookie,
        },
        prepare=(),
        serve=recipes.Command(
            (str(script),), environment(home, distribution_port=node.distribution_port)
        ),
        port=node.port,
        stop_signal=signal.SIGTERM,
        leash_signal=signal.SIGKILL,
        ready_within_s=120.0,
        stop_within_s=20.0,
        links=links,
    )


def url(port: int, password: str, vhost: str = VHOST) -> str:
    """The address of one virtual host."""
    return (
        f"amqp://{recipes.USER}:{password}@{recipes.LOOPBACK}:{port}/"
        f"{urllib.parse.quote(vhost, safe='')}"
    )


def control(home: Path, node: Node, erlang: str) -> recipes.Command:
    """Evaluate Erlang in the node, over its distribution port, with the cookie in its home."""
    script = ("-address", f"{recipes.LOOPBACK}:{node.distribution_port}", "-e")
    return recipes.Command(("erl_call", *script), {"HOME": str(home)}, erlang)


def add_vhosts(names: tuple[str, ...]) -> str:
    """Erlang that makes virtual hosts and lets our user use them."""
    user = f'<<"{recipes.USER}">>'
    return (
        "".join(
            f'rabbit_vhost:add(<<"{name}">>, {user}), '
            f"rabbit_auth_backend_internal:set_permissions({user}, "
            f'<<"{name}">>, {PERMISSIONS}, {user}), '
            for name in names
        )
        + f"{DONE}.\n"
    )


def delete_vhosts(names: tuple[str, ...]) -> str:
    """Erlang that removes virtual hosts with all that they hold."""
    user = f'<<"{recipes.USER}">>'
    calls = (f'rabbit_vhost:delete(<<"{name}">>, {user}), ' for name in names)
    return f"{''.join(calls)}{DONE}.\n"
