# Redis 8 that runs as uid 10001 on a read-only root and keeps nothing: a cache may be lost.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
RUN if ! command -v redis-server > /dev/null; then \
      apt-get update \
      && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server \
      && apt-get clean && rm -rf /var/lib/apt/lists/*; \
    fi \
 && mkdir -p /data && chown 10001:10001 /data
COPY redis-entrypoint.sh /usr/local/bin/matchfleet-redis
VOLUME /data
EXPOSE 6379
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/matchfleet-redis"]
CMD ["redis-server"]
