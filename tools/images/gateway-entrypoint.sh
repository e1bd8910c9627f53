#!/bin/sh
# Starts nginx with what only a running pod knows: the cluster's name server and domain, out of
# /etc/resolv.conf. CONFIG is the configuration to run, which includes the file written here.
set -eu

case "${1:-nginx}" in
  nginx) [ "$#" -eq 0 ] || shift ;;
  -*) ;;
  *) exec "$@" ;;
esac
config=${CONFIG:-/etc/matchfleet/gateway/nginx.conf}
resolv=${RESOLV_CONF:-/etc/resolv.conf}
servers='' domain=''
while read -r key value _; do
  case "$key" in
    nameserver)
      case "$value" in *:*) value="[$value]" ;; esac
      servers="$servers $value"
      ;;
    # A pod's first search domain is that of its namespace: games.svc.cluster.local
    search) domain=$value ;;
  esac
done < "$resolv"
if [ -z "$servers" ] || [ -z "$domain" ]; then
  echo "gateway: $resolv names no name server or no search domain; is this a pod?" >&2
  exit 1
fi
# A server lives for one match: what is known of its name is old after a few seconds.
cat > /tmp/cluster.conf <<EOC
resolver$servers valid=5s;
resolver_timeout 3s;
map \$server_port \$cluster_domain { default "$domain"; }
EOC
exec nginx -e /dev/stderr -c "$config" -g 'daemon off;' "$@"
