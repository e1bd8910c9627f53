# The node itself; the control plane's images are imported into its containerd afterwards.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG VERSION
COPY runc-bounded /usr/local/sbin/runc-bounded
COPY entrypoint.sh /usr/local/bin/entrypoint
COPY containerd.toml /etc/containerd/config.toml
COPY manifests /kind/manifests
RUN echo "$VERSION" > /kind/version
