# Compilers for machines without a recent Go.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends golang-go gcc libc6-dev \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
