# Every component of Kubernetes, under each of its names: the node runs kubelet and kubeadm from
# it, and the control plane's static pods are the same image.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY kube /usr/local/bin/kube
RUN cd /usr/local/bin \
 && for name in etcd kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubeadm kubectl kubelet; do \
      ln -s kube "$name"; \
    done
