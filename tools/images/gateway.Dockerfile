# nginx that runs as uid 10001 on a read-only root: TLS for browsers in front of game servers and
# the API. Its configuration comes from the chart.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
RUN if ! command -v nginx > /dev/null; then \
      apt-get update \
      && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx \
      && apt-get clean && rm -rf /var/lib/apt/lists/*; \
    fi
COPY gateway-entrypoint.sh /usr/local/bin/matchfleet-gateway
EXPOSE 8443
STOPSIGNAL SIGQUIT
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["/usr/local/bin/matchfleet-gateway"]
CMD ["nginx"]
