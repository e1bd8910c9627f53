# PostgreSQL 17 that runs as uid 10001 on a read-only root: data in /data, sockets in /tmp. The
# compiler for queries is left out: it is half of the image, and our queries are too short for it.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
RUN if [ ! -x /usr/lib/postgresql/17/bin/postgres ]; then \
      apt-get update \
      && mkdir -p /etc/postgresql-common \
      && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
      && printf 'path-exclude=%s\n' '/usr/lib/*/libLLVM*' '/usr/lib/*/libz3*' \
           '/usr/lib/postgresql/17/lib/llvmjit*' '/usr/lib/postgresql/17/lib/bitcode/*' \
           > /etc/dpkg/dpkg.cfg.d/no-jit \
      && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-17 \
      && apt-get clean && rm -rf /var/lib/apt/lists/*; \
    fi \
 && (getent passwd 10001 || useradd --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin matchfleet) \
 && mkdir -p /data && chown 10001:10001 /data
COPY postgres-entrypoint.sh /usr/local/bin/matchfleet-postgres
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin \
    PGDATA=/data/pgdata
VOLUME /data
EXPOSE 5432
USER 10001:10001
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/local/bin/matchfleet-postgres"]
CMD ["postgres"]
