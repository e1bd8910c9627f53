{{/* The headless Service under whose name a Gateway Fleet's servers are found. */}}
{{- define "matchfleet.serversService" -}}
{{ include "matchfleet.fullname" . }}-servers
{{- end -}}

{{/* The Secret with the gateway's certificate: the user's own, or one that the keys hook makes. */}}
{{- define "matchfleet.gatewaySecret" -}}
{{- .Values.gateway.tls.secretName | default (printf "%s-gateway-tls" (include "matchfleet.fullname" .)) -}}
{{- end -}}

{{/*
nginx.conf. Only names of one label are forwarded, under the headless Service's domain and to the
one game port: no path leads to a control port or out of the Service. The certificate's path has a
variable in it, with which nginx reads it for each handshake: a renewed one needs no restart.
*/}}
{{- define "matchfleet.gatewayConfig" -}}
{{- $fullname := include "matchfleet.fullname" . -}}
# Two serve thousands of matches; one for each of a big node's cores would not fit into the limits.
worker_processes 2;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 8192; }
http {
  # The name server and domain of this cluster; written when the container starts.
  include /tmp/cluster.conf;
  access_log off;
  server_tokens off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  map $ssl_server_name $certificate { default /etc/matchfleet/certificate; }
  map $http_upgrade $connection_kind { default upgrade; "" close; }
  server {
    # What lies in buffers is old when it arrives: a slow player is the game server's to notice.
    listen 8443 ssl sndbuf=64k;
    ssl_certificate $certificate/tls.crt;
    ssl_certificate_key $certificate/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:2m;
    ssl_session_tickets off;
    client_max_body_size 1m;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_kind;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_buffering off;
    proxy_socket_keepalive on;
    proxy_connect_timeout 3s;
    # A game server pings every few seconds; the API's channel does so within a minute.
    proxy_read_timeout 90s;
    proxy_send_timeout 20s;
    tcp_nodelay on;
    location = /healthz { access_log off; return 200 "ok\n"; }
    location ~ "^/play/(?<pod>[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$" {
      proxy_pass http://$pod.{{ include "matchfleet.serversService" . }}.$cluster_domain:7777/;
    }
    location /play/ { return 404; }
    location / {
      set $api {{ $fullname }}-api.$cluster_domain;
      proxy_pass http://$api;
    }
  }
}
{{- end -}}
