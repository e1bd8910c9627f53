# One match per container: contracts, telemetry and the game server, nothing that knows a database.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
COPY source/ /opt/matchfleet/lib/python3.13/site-packages/
RUN /opt/matchfleet/bin/python -m compileall -q /opt/matchfleet/lib/python3.13/site-packages/matchfleet_*
USER 10001:10001
CMD ["python", "-m", "matchfleet_gameserver"]
