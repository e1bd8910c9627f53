"""PostgreSQL, Redis and RabbitMQ as private processes, for the demo and for the tests.

The product is proven against the servers that it will meet, never against imitations, so this
package starts real ones: on free loopback ports, under a private directory, as an unprivileged
account, and gone when their parent is gone. Servers that the machine already runs are neither
used nor disturbed. `running` is the way in; `python -m matchfleet_local.servers` is the
same for a shell.
"""

from matchfleet_local.servers.datastores import (
    Datastores,
    PostgresServer,
    RabbitServer,
    RedisServer,
)
from matchfleet_local.servers.runs import running

__all__ = ["Datastores", "PostgresServer", "RabbitServer", "RedisServer", "running"]
