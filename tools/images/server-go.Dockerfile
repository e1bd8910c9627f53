# The example server in Go: one static program, and nothing else to attack or to pull.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY server /server
ENV MATCHFLEET_TERMINATION_LOG=/dev/termination-log
USER 10001:10001
ENTRYPOINT ["/server"]
