#!/bin/bash
# Entrypoint of a kind node without systemd: prepares mounts, name resolution and pod routes, and
# keeps containerd and kubelet running. kind waits for the line that names the cgroup version.
set -u

address() { ip -4 -o addr show eth0 | awk '{ split($4, part, "/"); print part[1]; exit }'; }

prepare_mounts() {
  mount --make-rshared /
  mount -o remount,rw /sys 2>/dev/null
  mkdir -p /run/containerd /var/lib/kubelet /etc/cni/net.d
}

prepare_cgroups() {
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    # A group may either hold processes or pass controllers on, not both.
    mkdir -p /sys/fs/cgroup/init
    while read -r pid; do echo "$pid" > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null; done < /sys/fs/cgroup/cgroup.procs
    sed 's/ / +/g; s/^/+/' /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
    mkdir -p /sys/fs/cgroup/kubelet
    echo 'detected cgroup v2, Reached target Multi-User System'
    return
  fi
  mount --make-rprivate /sys/fs/cgroup
  for controller in $(findmnt -lun -o target -t cgroup); do
    mkdir -p "$controller/kubelet"
    # A new cpuset has no processors until it is given some, and no process can enter it.
    if [ -e "$controller/cpuset.cpus" ]; then
      cat "$controller/cpuset.cpus" > "$controller/kubelet/cpuset.cpus"
      cat "$controller/cpuset.mems" > "$controller/kubelet/cpuset.mems"
    fi
  done
  echo 'detected cgroup v1'
}

# A node that was stopped may come back under another address: what kubeadm wrote must follow.
follow_address() {
  local now=$1 before
  before=$(cat /kind/address 2>/dev/null)
  if [ -n "$before" ] && [ "$before" != "$now" ]; then
    for file in /etc/kubernetes/manifests/*.yaml /etc/kubernetes/*.conf; do
      [ -f "$file" ] && sed -i "s/\b${before//./\\.}\b/$now/g" "$file"
    done
  fi
  echo "$now" > /kind/address
}

# Docker's resolver (127.0.0.11) serves only this namespace: answer for it on the gateway's address,
# which pods can reach, so that node names resolve everywhere.
serve_names() {
  local gateway
  gateway=$(ip route show default | awk '{ print $3; exit }')
  echo "nameserver $gateway" > /kind/resolv.conf
  sysctl -qw net.ipv4.conf.all.route_localnet=1
  iptables -t nat -S DOCKER_OUTPUT |
    sed -n 's/.*-p \(udp\|tcp\).*--to-destination \(127.0.0.11:[0-9]*\).*/\1 \2/p' |
    while read -r protocol target; do
      for chain in OUTPUT PREROUTING; do
        iptables -t nat -A "$chain" -d "$gateway" -p "$protocol" --dport 53 -j DNAT --to-destination "$target"
      done
    done
}

keep_containerd() {
  while :; do
    containerd >> /var/log/containerd.log 2>&1
    sleep 0.5
  done
}

keep_kubelet() {
  local node_ip=$1
  while :; do
    # kubeadm writes the configuration some time after this node has started.
    if [ -f /var/lib/kubelet/config.yaml ]; then
      KUBELET_KUBEADM_ARGS=
      . /var/lib/kubelet/kubeadm-flags.env 2>/dev/null
      # shellcheck disable=SC2086 # the variable holds several arguments
      kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
        --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \
        $KUBELET_KUBEADM_ARGS --node-ip="$node_ip" --resolv-conf=/kind/resolv.conf \
        >> /var/log/kubelet.log 2>&1
    fi
    sleep 0.5
  done
}

# The pod network: one bridge per node, and a route to the pods of every other node.
write_cni() {
  local range=$1
  cat > /etc/cni/net.d/.pods <<EOF
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$range"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
EOF
  mv /etc/cni/net.d/.pods /etc/cni/net.d/10-pods.conflist
}

keep_routes() {
  local fields='{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'
  while :; do
    kubectl --kubeconfig /etc/kubernetes/kubelet.conf get nodes -o jsonpath="$fields" 2>/dev/null |
      while read -r name range node_ip; do
        case "$range" in */*) ;; *) continue ;; esac
        if [ "$name" != "$(hostname)" ]; then
          ip route replace "$range" via "$node_ip" 2>/dev/null
        elif [ ! -f /etc/cni/net.d/10-pods.conflist ]; then
          write_cni "$range"
        fi
      done
    # Quick until this node can run pods; afterwards nodes change rarely.
    if [ -f /etc/cni/net.d/10-pods.conflist ]; then sleep 5; else sleep 1; fi
  done
}

trap 'exit 0' TERM INT
prepare_mounts
prepare_cgroups
here=$(address)
follow_address "$here"
serve_names
keep_containerd &
keep_kubelet "$here" &
keep_routes &
wait
