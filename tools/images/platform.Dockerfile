# Operator, API, workers, bots and the client: one image, one process per container. The chart
# names the module to run.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
COPY source/ /opt/matchfleet/lib/python3.13/site-packages/
COPY bin/ /opt/matchfleet/bin/
RUN /opt/matchfleet/bin/python -m compileall -q /opt/matchfleet/lib/python3.13/site-packages/matchfleet_*
USER 10001:10001
CMD ["matchfleet", "--help"]
