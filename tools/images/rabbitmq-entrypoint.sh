#!/bin/sh
# Writes RabbitMQ's configuration from the environment, then becomes the server.
#
# RABBITMQ_DEFAULT_USER (matchfleet) and RABBITMQ_DEFAULT_PASS, or the files named by
# RABBITMQ_DEFAULT_USER_FILE and RABBITMQ_DEFAULT_PASS_FILE; RABBITMQ_MEMORY_LIMIT (say 300MB).
# The node is always rabbit@localhost: a pod that comes back under another name finds its queues.
set -eu

setting() {
  eval "value=\${$1:-}; file=\${$1_FILE:-}"
  if [ -n "$file" ]; then value=$(cat "$file"); fi
  printf %s "${value:-$2}"
}

if [ "${1:-rabbitmq-server}" != rabbitmq-server ]; then exec "$@"; fi
user=$(setting RABBITMQ_DEFAULT_USER matchfleet)
password=$(setting RABBITMQ_DEFAULT_PASS '')
if [ -z "$password" ]; then
  echo "rabbitmq: set RABBITMQ_DEFAULT_PASS or RABBITMQ_DEFAULT_PASS_FILE" >&2
  exit 64
fi
# The server would read these itself, and warn that they are outdated.
unset RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS RABBITMQ_DEFAULT_USER_FILE RABBITMQ_DEFAULT_PASS_FILE

umask 077
settings=/tmp/rabbitmq
mkdir -p "$settings" /data/mnesia
cat > "$settings/rabbitmq.conf" <<EOF
listeners.tcp.default = 5672
prometheus.tcp.port = 15692
default_user = $user
default_pass = $password
loopback_users = none
log.console = true
log.console.level = info
disk_free_limit.absolute = 100MB
vm_memory_high_watermark.absolute = ${RABBITMQ_MEMORY_LIMIT:-300MB}
EOF
echo '[rabbitmq_prometheus].' > "$settings/enabled_plugins"

export RABBITMQ_CONFIG_FILE="$settings/rabbitmq.conf"
export RABBITMQ_GENERATED_CONFIG_DIR="$settings"
export RABBITMQ_ENABLED_PLUGINS_FILE="$settings/enabled_plugins"
export RABBITMQ_MNESIA_BASE=/data/mnesia RABBITMQ_LOG_BASE=/tmp RABBITMQ_LOGS=-
export RABBITMQ_PID_FILE="$settings/pid"
# One node that talks to nobody: its cluster port stays on loopback, and idle schedulers sleep.
export ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
# The Erlang machine sizes its tables by this limit; container engines leave it near a billion.
ulimit -n 65536 2> /dev/null || true
exec rabbitmq-server
