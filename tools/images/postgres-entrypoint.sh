#!/bin/sh
# Makes the database cluster on the first start, then becomes the server.
#
# POSTGRES_USER (matchfleet), POSTGRES_DB (the user's name), POSTGRES_PASSWORD: each may instead be
# read from the file that the same name with _FILE points to. Arguments that follow the command
# are passed on: `-c max_connections=200`.
set -eu

setting() {
  eval "value=\${$1:-}; file=\${$1_FILE:-}"
  if [ -n "$file" ]; then value=$(cat "$file"); fi
  printf %s "${value:-$2}"
}

user=$(setting POSTGRES_USER matchfleet)
database=$(setting POSTGRES_DB "$user")
password=$(setting POSTGRES_PASSWORD '')

initialise() {
  if [ -z "$password" ]; then
    echo "postgres: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE" >&2
    exit 64
  fi
  # Made beside its place and renamed, so that a start cut short leaves no half-made cluster.
  partial=$PGDATA.partial
  rm -rf "$partial"
  secret=$partial.secret
  printf '%s\n' "$password" > "$secret"
  initdb --pgdata="$partial" --username="$user" --pwfile="$secret" \
    --auth-local=scram-sha-256 --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 \
    --data-checksums > /dev/null
  rm -f "$secret"
  echo 'host all all all scram-sha-256' >> "$partial/pg_hba.conf"
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "$database" |
      postgres --single -D "$partial" postgres > /dev/null
  fi
  mv "$partial" "$PGDATA"
}

case "${1:-postgres}" in
  postgres) [ "$#" -eq 0 ] || shift ;;
  -*) ;;
  *) exec "$@" ;;
esac
umask 077
[ -s "$PGDATA/PG_VERSION" ] || initialise
# A pod that was killed leaves its pid file, and in a new container that pid may be alive.
rm -f "$PGDATA/postmaster.pid"
# A volume with an fsGroup opens everything to that group, which the server refuses.
chmod 0700 "$PGDATA"
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
