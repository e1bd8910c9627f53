# The locked dependencies of a set of packages, in a virtual environment without pip. Our own
# source is a later, small image, so that a change of code does not touch this one.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN python3.13 -m venv --without-pip /opt/matchfleet \
 && mkdir -p /data /run/matchfleet \
 && chown 10001:10001 /data /run/matchfleet
COPY site-packages/ /opt/matchfleet/lib/python3.13/site-packages/
RUN /opt/matchfleet/bin/python -m compileall -q /opt/matchfleet/lib/python3.13/site-packages || true
ENV PATH=/opt/matchfleet/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
