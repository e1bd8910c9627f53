"""What the demo leaves on the screen: every address, and what to try next."""

import os
import sys
from pathlib import Path

from matchfleet_local.demo import product, topology


def lines(it: product.Product) -> tuple[str, ...]:
    """The addresses of a running product."""
    metrics = [
        f"    {name:<12}{part.plan.metrics_url}"
        for name, part in it.parts.items()
        if part.plan.metrics_url
    ]
    stores = [f"    {name:<12}{address}" for name, address in it.stores.addresses().items()]
    matchfleet = os.path.relpath(Path(sys.executable).with_name("matchfleet"))
    return (
        "",
        f"API         {it.api_url}",
        f"docs        {it.api_url}/docs",
        "metrics",
        *metrics,
        "datastores",
        *stores,
        f"logs        {it.files.logs}",
        f"admin token {it.files.admin_token}",
        "",
        "try",
        f"  KUBECONFIG={it.kubeconfig} kubectl get matches,fleets,pods",
        f"  {matchfleet} fleet status --watch --kubeconfig {it.kubeconfig}",
        f"  {matchfleet} play --api {it.api_url} --players 2 --queue {topology.FIRST_QUEUE}",
        f"  {matchfleet} audit --api {it.api_url} --token-file {it.files.admin_token}",
        "",
    )
