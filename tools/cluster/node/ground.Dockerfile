# Everything of a kind node that comes from Debian; Kubernetes is added on top of it.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      conntrack containerd containernetworking-plugins curl ethtool iproute2 ipset iptables kmod \
      mount nftables procps runc socat util-linux \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
