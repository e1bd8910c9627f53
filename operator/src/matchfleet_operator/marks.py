"""Labels and annotations on our pods that nobody but the operator reads or writes."""

from matchfleet_contracts.resources import GROUP, LABEL_MANAGED_BY, MANAGED_BY

LABEL_REVISION = f"{GROUP}/revision"
LABEL_SERVICE = f"{GROUP}/service"
"""On a server behind a gateway: the headless Service that selects it by this very label."""
ANNOTATION_MATCH = f"{GROUP}/match"
"""Name of the Match in full; the label of that name holds at most 63 characters."""
ANNOTATION_MODE = f"{GROUP}/mode"
ANNOTATION_REGION = f"{GROUP}/region"
ANNOTATION_HUMANS = f"{GROUP}/humans"
ANNOTATION_BOTS = f"{GROUP}/bots"
ANNOTATION_ADDRESS = f"{GROUP}/address"
ANNOTATION_GATEWAY_PORT = f"{GROUP}/gateway-port"
ANNOTATION_ATTEMPT = f"{GROUP}/attempt"
LABEL_EVICT = f"{GROUP}/evict"
"""On a claimed pod: `Never` or `Always`, which the chart's PodDisruptionBudget leaves out."""
ANNOTATION_SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
"""Read by the cluster autoscaler: whether it may end this pod to give a node back."""

PODS_OF_OURS = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
"""Selects the pods, and the ControllerRevisions, that the API server sends us."""

HUNG_GRACE_S = 5
"""Seconds that a server gets to stop once it has not answered its liveness probe."""

STOP_MARGIN_S = 10
"""A pod is given its drain time and this to stop."""
