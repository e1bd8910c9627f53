"""Every version this folder pins, and how versions compare.

The image tags are those that kubeadm of KUBERNETES asks for. Kubernetes stays at 1.34 because
1.35 and later refuse hosts with cgroup v1.
"""

import re

KUBERNETES = "v1.34.4"
ETCD_IMAGE = "registry.k8s.io/etcd:3.6.5-0"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"
COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:v1.12.1"
PUBLISHED_NODE_IMAGE = "kindest/node:v1.34.3"

KIND = "v0.33.0"
HELM = "v3.19.5"
# Its definitions are what our example for it is held against; it is not installed.
KEDA = "v2.21.0"
DEBIAN_SUITE = "trixie"
PYTHON = "3.13"

GO_AT_LEAST = (1, 24)
PUBLISHED_GO_IMAGE = "golang:1.25-bookworm"
KUBECTL_AT_LEAST = (1, 32)
HELM_AT_LEAST = (3, 14)
KIND_AT_LEAST = (0, 31)

Version = tuple[int, ...]


def parse_version(text: str) -> Version | None:
    """The first dotted number in `text`: `go version go1.26.8 linux` is (1, 26, 8)."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else None


def is_at_least(version: Version | None, minimum: Version) -> bool:
    """Whether `version` is known and not older than `minimum`."""
    return version is not None and version >= minimum
