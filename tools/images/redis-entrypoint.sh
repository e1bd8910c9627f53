#!/bin/sh
# Starts Redis without persistence. REDIS_PASSWORD, or the file that REDIS_PASSWORD_FILE names, is
# required of clients when set; further arguments are Redis options.
set -eu

case "${1:-redis-server}" in
  redis-server) [ "$#" -eq 0 ] || shift ;;
  -*) ;;
  *) exec "$@" ;;
esac
password=${REDIS_PASSWORD:-}
if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then password=$(cat "$REDIS_PASSWORD_FILE"); fi
set -- --bind '* -::*' --port 6379 --save '' --appendonly no --dir /data --protected-mode no "$@"
if [ -z "$password" ]; then exec redis-server "$@"; fi
# On standard input, not among the arguments: those can be read by everyone on the node.
escaped=$(printf %s "$password" | sed 's/[\\"]/\\&/g')
exec redis-server - "$@" <<EOF
requirepass "$escaped"
EOF
