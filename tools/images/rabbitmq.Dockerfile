# RabbitMQ 4.0 that runs as uid 10001 on a read-only root: data in /data, a generated
# configuration in /tmp.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
RUN if [ ! -d /opt/rabbitmq ]; then \
      apt-get update \
      && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends rabbitmq-server \
      && apt-get clean && rm -rf /var/lib/apt/lists/*; \
    fi \
 && (getent passwd 10001 || useradd --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin matchfleet) \
 && mkdir -p /data && chown 10001:10001 /data
COPY rabbitmq-entrypoint.sh /usr/local/bin/matchfleet-rabbitmq
ENV PATH=/usr/lib/rabbitmq/bin:/opt/rabbitmq/sbin:/opt/erlang/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    RABBITMQ_NODENAME=rabbit@localhost
VOLUME /data
EXPOSE 5672 15692
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/matchfleet-rabbitmq"]
CMD ["rabbitmq-server"]
