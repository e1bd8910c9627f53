"""The chart renders what the contracts between rooms promise, and a real API server takes it.

Every rule is held over each set of values under `ci/`. Nothing here starts a pod.
"""

import itertools
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from matchfleet_api import settings as api_settings
from matchfleet_api.matchmaking import queues
from matchfleet_bots import settings as bot_settings
from matchfleet_contracts.ids import PodName
from matchfleet_contracts.resources import LABEL_MANAGED_BY, LABEL_STATE, MANAGED_BY
from matchfleet_operator import marks
from matchfleet_operator import settings as operator_settings
from matchfleet_operator.acting import manifests
from matchfleet_operator.planning import actions, exposure
from matchfleet_operator.planning.seen import Evict
from matchfleet_operator.watching import observed
from matchfleet_workers import settings as worker_settings
from tools.cluster import binaries, control_plane, errors, places

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "matchfleet"
CRDS = ROOT / "crds"
RELEASE, NAMESPACE = "matchfleet", "games"
KUBE_VERSION = "1.33.0"
VALUES = sorted(path.name for path in (CHART / "ci").glob("*-values.yaml"))
LEASE = operator_settings.Settings.model_fields["lease_name"].default
WORKLOADS = ("Deployment", "StatefulSet", "Job")

Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def helm() -> Path:
    return binaries.ensure_helm(places.own_places())


class Chart:
    """The chart, rendered by helm."""

    def __init__(self, helm: Path) -> None:
        self._helm = helm
        self._rendered: dict[tuple[str, ...], list[Manifest]] = {}

    def run(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self._helm, *words], check=False, capture_output=True, text=True, timeout=120
        )

    def template(self, *options: str) -> "subprocess.CompletedProcess[str]":
        return self.run(
            *("template", RELEASE, CHART, "--namespace", NAMESPACE),
            *("--kube-version", KUBE_VERSION, *options),
        )

    def text(self, values: str, *options: str) -> str:
        done = self.template("--values", str(CHART / "ci" / values), *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def objects(self, values: str, *options: str) -> list[Manifest]:
        key = (values, *options)
        if key not in self._rendered:
            found = yaml.safe_load_all(self.text(values, *options))
            self._rendered[key] = [manifest for manifest in found if manifest]
        return self._rendered[key]


@pytest.fixture(scope="session")
def chart(helm: Path) -> Chart:
    return Chart(helm)


def named(objects: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def pod_specs(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Every pod template, those of Fleets included."""
    for manifest in objects:
        if manifest["kind"] in (*WORKLOADS, "Fleet"):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


def environment(container: Manifest) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


def rules(objects: list[Manifest], kind: str, name: str) -> dict[str, set[str]]:
    """resource -> verbs; `resource=name` where names are given."""
    granted: dict[str, set[str]] = {}
    for rule in named(objects, kind, name)["rules"]:
        for resource in rule["resources"]:
            for only in rule.get("resourceNames", [None]):
                key = f"{resource}={only}" if only else resource
                granted.setdefault(key, set()).update(rule["verbs"])
    return granted


@pytest.mark.parametrize("values", VALUES)
def test_helm_lint_finds_nothing(chart: Chart, values: str) -> None:
    done = chart.run("lint", "--strict", CHART, "--values", CHART / "ci" / values)
    assert done.returncode == 0, done.stdout


def test_the_charts_definitions_are_those_of_the_repository() -> None:
    source = {path.name: path.read_text() for path in CRDS.glob("*.yaml")}
    copied = {path.name: path.read_text() for path in (CHART / "crds").glob("*.yaml")}
    assert copied == source, "run: cp crds/*.yaml charts/matchfleet/crds/"


def test_a_package_carries_the_definitions(chart: Chart, tmp_path: Path) -> None:
    done = chart.run("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("matchfleet-*.tgz")
    with tarfile.open(package) as archive:
        names = archive.getnames()
    assert {"matchfleet/crds/matches.yaml", "matchfleet/crds/fleets.yaml"} <= set(names)
    assert not [name for name in names if "/ci/" in name]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(["--set", "nope=1"], "additional properties 'nope' not allowed", id="top"),
        pytest.param(
            ["--set", "api.replcas=2"], "additional properties 'replcas' not allowed", id="typo"
        ),
        pytest.param(["--set", "postgres.mode=cloud"], "value must be one of", id="mode"),
        pytest.param(["--set", "gateway.nodePort=80"], "/gateway/nodePort", id="node port"),
        pytest.param(["--set", "operator.env.DEBUG=x"], "MATCHFLEET_", id="environment"),
        pytest.param(["--set", "fleets[0].name=UPPER"], "/fleets/0/name", id="fleet name"),
        pytest.param(
            ["--set", "redis.mode=external"],
            "redis.mode is external: set redis.existingSecret to the name of a Secret",
            id="secret",
        ),
        pytest.param(
            ["--set", "games.hostPorts.from=7000", "--set", "games.hostPorts.to=7000"],
            "games.hostPorts holds fewer ports than there are fleets (2)",
            id="ports",
        ),
        pytest.param(
            ["--set", "gateway.tls.enabled=true"],
            "set gateway.tls.address to the host name that players use",
            id="gateway's address",
        ),
        pytest.param(
            [
                "--set-json",
                'fleets=[{"name":"a","game":"g","region":"r","max":1,"expose":{"type":"Gateway"}}]',
            ],
            "is exposed through the gateway: set gateway.tls.enabled",
            id="no gateway",
        ),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(
    chart: Chart, options: list[str], sentence: str
) -> None:
    done = chart.template(*options)
    assert done.returncode != 0
    assert sentence in done.stderr


@pytest.mark.parametrize("values", VALUES)
def test_rendering_twice_gives_the_same_and_no_secret(chart: Chart, values: str) -> None:
    assert chart.text(values) == chart.text(values)
    assert not [o for o in chart.objects(values) if o["kind"] == "Secret"]
    for name, spec in pod_specs(chart.objects(values)):
        for container in spec["containers"]:
            for variable, value in environment(container).items():
                if variable.endswith(("_DSN", "_URL", "_TOKEN", "_PASSWORD", "_PASS")):
                    assert "secretKeyRef" in value, f"{name}: {variable}"


@pytest.mark.parametrize("values", VALUES)
def test_every_container_is_restricted(chart: Chart, values: str) -> None:
    for name, spec in pod_specs(chart.objects(values)):
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True, name
        assert (pod["runAsUser"], pod["seccompProfile"]["type"]) == (10001, "RuntimeDefault"), name
        assert spec["enableServiceLinks"] is False, name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name
            assert container["imagePullPolicy"] == "IfNotPresent", name


@pytest.mark.parametrize("values", VALUES)
def test_only_who_speaks_to_the_cluster_has_a_token(chart: Chart, values: str) -> None:
    with_token = {
        name
        for name, spec in pod_specs(chart.objects(values))
        if spec["automountServiceAccountToken"]
    }
    speakers = {"api", "matchmaker", "operator", "keys", "uninstall"}
    assert with_token == {f"{RELEASE}-{speaker}" for speaker in speakers}
    for manifest in chart.objects(values):
        if manifest["kind"] == "ServiceAccount":
            assert manifest["automountServiceAccountToken"] is False


def test_roles_grant_the_verbs_of_the_contract_and_no_more(chart: Chart) -> None:
    objects = chart.objects("kind-values.yaml")
    assert rules(objects, "Role", "matchfleet-operator") == {
        "matches": {"get", "list", "watch", "delete"},
        "matches/status": {"patch"},
        "fleets": {"get", "list", "watch"},
        "fleets/status": {"patch"},
        "pods": {"get", "list", "watch", "create", "patch", "delete"},
        "controllerrevisions": {"get", "list", "create", "patch", "delete"},
        "events": {"create"},
        "leases": {"create"},
        f"leases={LEASE}": {"get", "patch"},
        f"namespaces={NAMESPACE}": {"get"},
    }
    assert rules(objects, "Role", "matchfleet-api") == {
        "matches": {"get", "list", "watch", "create", "patch", "delete"},
        "pods": {"list"},
    }
    assert rules(objects, "Role", "matchfleet-keys") == {
        "secrets": {"get", "create"},
        "configmaps": {"get", "create"},
    }
    stores = ("postgres", "redis", "rabbitmq")
    secrets = ("api-keys", "operator-keys", *stores, "admin", "gateway-tls")
    assert rules(objects, "Role", "matchfleet-uninstall") == {
        "matches": {"list", "patch", "delete"},
        "fleets": {"list", "patch", "delete"},
        "pods": {"list"},
        **{f"secrets=matchfleet-{name}": {"delete"} for name in secrets},
        "configmaps=matchfleet-public-keys": {"delete"},
    }
    objects = chart.objects("persistent-values.yaml")
    assert rules(objects, "ClusterRole", f"{NAMESPACE}-matchfleet-operator-nodes") == {
        "nodes": {"list", "watch"}
    }


def test_without_read_nodes_nothing_is_cluster_wide(chart: Chart) -> None:
    kinds = {manifest["kind"] for manifest in chart.objects("external-values.yaml")}
    assert not {kind for kind in kinds if kind.startswith("Cluster")}


COMMANDS = {
    "api": ["matchfleet_api", "serve"],
    "matchmaker": ["matchfleet_api", "matchmaker"],
    "operator": ["matchfleet_operator"],
    "ranking": ["matchfleet_workers", "ranking"],
    "analytics": ["matchfleet_workers", "analytics"],
    "jobs": ["matchfleet_workers", "jobs"],
    "bots": ["matchfleet_bots"],
}


def test_every_process_runs_its_command_and_is_watched(chart: Chart) -> None:
    objects = chart.objects("kind-values.yaml")
    deployments = {o["metadata"]["name"]: o for o in objects if o["kind"] == "Deployment"}
    # The gateway is nginx, with no code of ours in it.
    assert deployments.keys() == {f"{RELEASE}-{name}" for name in (*COMMANDS, "gateway")}
    for name, command in COMMANDS.items():
        template = deployments[f"{RELEASE}-{name}"]["spec"]["template"]
        (container,) = template["spec"]["containers"]
        assert container["command"] == ["python", "-m", *command]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert container["readinessProbe"]["httpGet"]["port"] in ports
        annotations = template["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == str(ports["metrics"]) == "9090"
        assert environment(container)["USER"], "kopf names itself after the account"


SETTINGS = {
    "api": api_settings.Serve,
    "matchmaker": api_settings.Matchmaker,
    "operator": operator_settings.Settings,
    "ranking": worker_settings.Ranking,
    "analytics": worker_settings.Analytics,
    "jobs": worker_settings.Jobs,
    "bots": bot_settings.Settings,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_process_is_told_all_that_it_demands_and_nothing_that_it_does_not_know(
    chart: Chart, name: str
) -> None:
    spec = named(chart.objects("kind-values.yaml"), "Deployment", f"{RELEASE}-{name}")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    told = environment(container).keys() - {"MATCHFLEET_NAMESPACE", "USER"}
    fields = SETTINGS[name].model_fields
    demanded = {f"MATCHFLEET_{f.upper()}" for f, info in fields.items() if info.is_required()}
    assert demanded <= told
    assert told <= {f"MATCHFLEET_{field.upper()}" for field in fields}


def test_operators_are_two_apart_and_replaced_one_by_one(chart: Chart) -> None:
    objects = chart.objects("external-values.yaml")
    spec = named(objects, "Deployment", "matchfleet-operator")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (2, "RollingUpdate")
    apart = spec["template"]["spec"]["affinity"]["podAntiAffinity"]
    (preferred,) = apart["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred["podAffinityTerm"]["labelSelector"] == spec["selector"]
    budget = named(objects, "PodDisruptionBudget", "matchfleet-operator")["spec"]
    assert budget == {"minAvailable": 1, "selector": spec["selector"]}
    assert "spec" not in named(objects, "Lease", LEASE), "it is the operators' to write"
    fields = operator_settings.Settings.model_fields
    needed_s = fields["stop_seconds"].default + fields["release_seconds"].default
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > needed_s
    (container,) = spec["template"]["spec"]["containers"]
    assert environment(container)["MATCHFLEET_READ_NODES"] == "false"


def test_a_process_is_told_no_more_than_it_needs(chart: Chart) -> None:
    objects = chart.objects("kind-values.yaml")
    stores = ("MATCHFLEET_POSTGRES_DSN", "MATCHFLEET_REDIS_URL", "MATCHFLEET_RABBITMQ_URL")
    told: dict[str, set[str]] = {}
    for name, spec in pod_specs(objects):
        variables = set().union(*(environment(c).keys() for c in spec["containers"]))
        told[name.removeprefix(f"{RELEASE}-")] = variables
    assert {
        name for name, variables in told.items() if "MATCHFLEET_API_SIGNING_KEYS" in variables
    } == {"api"}
    assert {
        name for name, variables in told.items() if "MATCHFLEET_OPERATOR_SIGNING_KEYS" in variables
    } == {"operator"}
    assert told["analytics"].intersection(stores) == {stores[0], stores[2]}
    assert told["jobs"].intersection(stores) == {stores[0], stores[1]}
    assert told["operator"].intersection(stores) == {"MATCHFLEET_RABBITMQ_URL"}
    for name in ("bots", "airhockey-eu", "keys", "uninstall"):
        assert not told[name].intersection(stores), name


@pytest.mark.parametrize("values", VALUES)
def test_files_are_mounted_where_the_settings_look(chart: Chart, values: str) -> None:
    for name, spec in pod_specs(chart.objects(values)):
        volumes = {volume["name"] for volume in spec["volumes"]}
        volumes |= {"data"} if "data" in str(spec) else set()
        for container in spec["containers"]:
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert set(mounts.values()) <= volumes, name
            for value in environment(container).values():
                if isinstance(value, str) and value.startswith("/etc/matchfleet/"):
                    assert str(Path(value).parent) in mounts, f"{name}: {value}"


def test_queues_are_what_the_matchmaker_reads(chart: Chart, tmp_path: Path) -> None:
    objects = chart.objects("kind-values.yaml")
    text = named(objects, "ConfigMap", "matchfleet-queues")["data"]["queues.json"]
    file = tmp_path / "queues.json"
    file.write_text(text)
    (queue,) = queues.load(file).values()
    assert (queue.game, queue.mode) == ("airhockey", "blitz")
    fleets = {o["metadata"]["name"]: o["spec"] for o in objects if o["kind"] == "Fleet"}
    for region, names in queue.regions.items():
        assert all(fleets[name]["region"] == region for name in names)


def test_fleets_share_the_ports_without_meeting(chart: Chart) -> None:
    objects = chart.objects("kind-values.yaml")
    ranges = {
        o["metadata"]["name"]: o["spec"]["expose"]["hostPorts"]
        for o in objects
        if o["kind"] == "Fleet" and o["spec"]["expose"]["type"] == "HostPort"
    }
    assert ranges == {
        "airhockey-eu": [{"name": "games", "from": 7000, "to": 7009}],
        "airhockey-us": [{"name": "games", "from": 7010, "to": 7019}],
        "steps-eu": [{"name": "datagrams", "from": 7900, "to": 7909}],
    }


def test_a_fleet_may_bring_its_own_exposure(chart: Chart) -> None:
    options = ("--set", "fleets[0].expose.type=PodIP")
    objects = chart.objects("kind-values.yaml", *options)
    exposed = {o["metadata"]["name"]: o["spec"]["expose"] for o in objects if o["kind"] == "Fleet"}
    assert exposed["airhockey-eu"] == {"type": "PodIP"}
    assert exposed["airhockey-us"]["hostPorts"] == [{"name": "games", "from": 7000, "to": 7019}]


HANDED_ON = ("placement", "strategy", "crashBudget", "disruption", "autoscale")


def test_what_a_fleet_may_say_is_handed_on_as_it_is(chart: Chart) -> None:
    given = yaml.safe_load((CHART / "ci" / "external-values.yaml").read_text())["fleets"]
    rendered = {
        o["metadata"]["name"]: o["spec"]
        for o in chart.objects("external-values.yaml")
        if o["kind"] == "Fleet"
    }
    for fleet in given:
        spec = rendered[fleet["name"]]
        for field in (*HANDED_ON, "warm", "max"):
            assert spec.get(field) == fleet.get(field), (fleet["name"], field)
    assert {field for fleet in given for field in HANDED_ON if field in fleet} == set(HANDED_ON)


def test_the_chart_takes_of_a_fleet_what_its_definition_takes() -> None:
    (version,) = yaml.safe_load((CRDS / "fleets.yaml").read_text())["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    schema = json.loads((CHART / "values.schema.json").read_text())
    mine = schema["definitions"]["fleet"]["properties"]
    for field in (*HANDED_ON, "warm", "max", "drainSeconds"):
        assert limits(mine[field]) == limits(spec[field]), field


def limits(node: Manifest) -> Manifest:
    """What both kinds of schema say of a value, in one form."""
    if node.get("x-kubernetes-int-or-string") or isinstance(node.get("type"), list):
        return {"type": "number or percentage"}
    kept = {k: node[k] for k in ("minimum", "maximum", "enum", "required") if k in node}
    inner = {name: limits(value) for name, value in node.get("properties", {}).items()}
    return kept | ({"properties": inner} if inner else {})


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param({"autoscale": {"maxWarm": 3, "buffer": 2}}, "", id="complete"),
        pytest.param({"autoscale": {"maxWarm": 3}}, "/fleets/0/autoscale", id="no source"),
        pytest.param({"autoscale": {"buffer": 2}}, "maxWarm", id="no bound"),
        pytest.param({"autoscale": {"maxWarm": 3, "buffer": "2 %"}}, "buffer", id="percentage"),
        pytest.param({"placement": "Tight"}, "/fleets/0/placement", id="placement"),
        pytest.param({"strategy": {"canary": 3}}, "'canary' not allowed", id="typo"),
    ],
)
def test_a_fleet_of_the_values_is_checked(chart: Chart, spec: Manifest, sentence: str) -> None:
    fleet = {"name": "one", "game": "airhockey", "region": "eu", "max": 9} | spec
    done = chart.template("--set-json", f"fleets={json.dumps([fleet])}")
    assert (done.returncode == 0) is (not sentence), done.stderr
    assert sentence in done.stderr


def test_two_servers_of_each_region_are_kept_warm_by_default(chart: Chart) -> None:
    for values in ("kind-values.yaml", "persistent-values.yaml"):
        for region in ("eu", "us"):
            fleet = named(chart.objects(values), "Fleet", f"airhockey-{region}")
            assert fleet["spec"]["warm"] == 2


def test_platform_and_games_go_to_their_own_nodes(chart: Chart) -> None:
    for manifest in chart.objects("kind-values.yaml"):
        if manifest["kind"] in (*WORKLOADS, "Fleet"):
            role = "games" if manifest["kind"] == "Fleet" else "platform"
            selector = manifest["spec"]["template"]["spec"]["nodeSelector"]
            assert selector == {"matchfleet.dev/role": role}, manifest["metadata"]["name"]


def test_two_releases_of_kinds_size_fit_on_one_small_node(chart: Chart) -> None:
    # A rolling update runs both generations for a moment.
    asked_m = [
        int(container["resources"]["requests"]["cpu"].removesuffix("m"))
        for manifest in chart.objects("kind-values.yaml")
        if manifest["kind"] in WORKLOADS
        for container in manifest["spec"]["template"]["spec"]["containers"]
    ]
    control_plane_m, node_m = 850, 2000
    assert control_plane_m + 2 * sum(asked_m) < node_m


def test_external_datastores_bring_no_server_and_migrate_beforehand(chart: Chart) -> None:
    objects = chart.objects("external-values.yaml")
    assert not [o for o in objects if o["kind"] == "StatefulSet"]
    (api,) = named(objects, "Deployment", "matchfleet-api")["spec"]["template"]["spec"][
        "containers"
    ]
    source = environment(api)["MATCHFLEET_POSTGRES_DSN"]
    assert source == {"secretKeyRef": {"name": "our-postgres", "key": "dsn"}}
    (job,) = [o for o in objects if o["kind"] == "Job" and "migrations" in o["metadata"]["name"]]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_a_dev_datastore_is_marked_and_its_migrations_run_beside_it(chart: Chart) -> None:
    objects = chart.objects("kind-values.yaml")
    for store in ("postgres", "redis", "rabbitmq"):
        manifest = named(objects, "StatefulSet", f"{RELEASE}-{store}")
        for labels in (
            manifest["metadata"]["labels"],
            manifest["spec"]["template"]["metadata"]["labels"],
        ):
            assert labels["matchfleet.dev/not-for-production"] == "true"
        assert "volumeClaimTemplates" not in manifest["spec"]
    (job,) = [o for o in objects if o["kind"] == "Job" and "migrations" in o["metadata"]["name"]]
    assert "annotations" not in job["metadata"]


def test_a_storage_class_makes_the_data_outlive_the_pod(chart: Chart) -> None:
    spec = named(chart.objects("persistent-values.yaml"), "StatefulSet", "matchfleet-postgres")[
        "spec"
    ]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "standard"
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert "data" not in {volume["name"] for volume in spec["template"]["spec"]["volumes"]}


@pytest.mark.parametrize(
    ("values", "kept"), [("kind", False), ("external", False), ("persistent", True)]
)
def test_data_that_stays_keeps_its_password(chart: Chart, values: str, kept: bool) -> None:
    job = named(chart.objects(f"{values}-values.yaml"), "Job", "matchfleet-uninstall")
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    keeps = [after for before, after in itertools.pairwise(command) if before == "--keep"]
    assert keeps == (["postgres", "redis", "rabbitmq"] if kept else [])


def test_the_job_of_a_new_image_has_a_new_name_and_an_unchanged_one_keeps_it(chart: Chart) -> None:
    def migrations(*options: str) -> str:
        (name,) = [
            o["metadata"]["name"]
            for o in chart.objects("kind-values.yaml", *options)
            if o["kind"] == "Job" and "migrations" in o["metadata"]["name"]
        ]
        return str(name)

    assert migrations("--set", "image.tag=dev-2") != migrations("--set", "image.tag=dev-1")
    assert migrations("--set", "api.replicas=7") == migrations()


def test_one_tag_and_one_registry_name_every_image(chart: Chart) -> None:
    options = ("--set", "image.tag=dev-1,global.imageRegistry=registry.example.org/x")
    objects = chart.objects("kind-values.yaml", *options)
    images = {c["image"] for _, spec in pod_specs(objects) for c in spec["containers"]}
    assert images == {
        f"registry.example.org/x/matchfleet/{name}:dev-1"
        for name in (
            "platform",
            "gameserver",
            "postgres",
            "redis",
            "rabbitmq",
            "gateway",
            "server-go",
        )
    }


def test_the_gateway_is_a_node_port_only_when_asked(chart: Chart) -> None:
    exposed = named(chart.objects("kind-values.yaml"), "Service", "matchfleet-api")["spec"]
    assert (exposed["type"], exposed["ports"][0]["nodePort"]) == ("NodePort", 30080)
    inside = named(chart.objects("external-values.yaml"), "Service", "matchfleet-api")["spec"]
    assert inside["type"] == "ClusterIP"
    assert "nodePort" not in inside["ports"][0]


def test_hooks_run_in_order_and_clean_up_after_themselves(chart: Chart) -> None:
    hooks: dict[str, list[tuple[int, str]]] = {}
    for manifest in chart.objects("external-values.yaml"):
        annotations: Mapping[str, str] = manifest["metadata"].get("annotations") or {}
        if "helm.sh/hook" in annotations:
            deletes = set(annotations["helm.sh/hook-delete-policy"].split(","))
            assert deletes == {"before-hook-creation", "hook-succeeded"}
            hooks.setdefault(annotations["helm.sh/hook"], []).append(
                (int(annotations["helm.sh/hook-weight"]), manifest["kind"])
            )
    assert [kind for _, kind in sorted(hooks["pre-install,pre-upgrade"])] == [
        "Role",
        "RoleBinding",
        "ServiceAccount",
        "Job",
        "Job",
    ]
    assert max(hooks["pre-delete"])[1] == "Job"


def test_a_gateway_fleet_is_told_the_address_and_the_service_that_names_its_servers(
    chart: Chart,
) -> None:
    objects = chart.objects("gateway-values.yaml")
    service = named(objects, "Service", "matchfleet-servers")["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    assert service["selector"] == {"matchfleet.dev/service": "matchfleet-servers"}
    assert named(objects, "Fleet", "airhockey-eu")["spec"]["expose"] == {
        "type": "Gateway",
        "address": "play.example.org",
        "port": 443,
        "service": "matchfleet-servers",
    }
    config = named(objects, "ConfigMap", "matchfleet-gateway")["data"]["nginx.conf"]
    assert "http://$pod.matchfleet-servers.$cluster_domain:7777/" in config


def test_a_gateway_brings_a_certificate_unless_it_is_given_one(chart: Chart) -> None:
    def of(*options: str) -> tuple[list[str], str]:
        objects = chart.objects("gateway-values.yaml", *options)
        job = named(objects, "Job", "matchfleet-keys")["spec"]["template"]["spec"]
        gateway = named(objects, "Deployment", "matchfleet-gateway")["spec"]["template"]["spec"]
        (secret,) = [v["secret"]["secretName"] for v in gateway["volumes"] if "secret" in v]
        return job["containers"][0]["command"][-2:], secret

    assert of() == (["--gateway-address", "play.example.org"], "matchfleet-gateway-tls")
    command, secret = of("--set", "gateway.tls.secretName=from-cert-manager")
    assert (command, secret) == (["--release", "matchfleet"], "from-cert-manager")


def test_without_a_gateway_there_is_nothing_of_it(chart: Chart) -> None:
    assert "gateway" not in "".join(
        o["metadata"]["name"] for o in chart.objects("external-values.yaml")
    )


def know_our_kinds(kube_api: control_plane.KubeApi) -> None:
    for definition in sorted(CRDS.glob("*.yaml")):
        kube_api.kubectl("apply", "--server-side", "-f", str(definition))
    kube_api.kubectl("wait", "--for=condition=Established", "crd", "--all")


@pytest.mark.control_plane
@pytest.mark.parametrize("values", VALUES)
def test_a_real_api_server_takes_all_of_it(
    chart: Chart, kube_api: control_plane.KubeApi, values: str
) -> None:
    know_our_kinds(kube_api)
    kube_api.kubectl("apply", "-f", "-", stdin=json.dumps(namespace_of(NAMESPACE)))
    answer = kube_api.kubectl(
        *("apply", "--dry-run=server", "--validate=strict", "--namespace", NAMESPACE, "-f", "-"),
        stdin=chart.text(values),
    )
    assert len(answer.splitlines()) == len(chart.objects(values))


@pytest.mark.control_plane
def test_a_release_is_installed_upgraded_and_removed_without_a_trace(
    chart: Chart, kube_api: control_plane.KubeApi, tmp_path: Path
) -> None:
    # Without hooks: there is no kubelet here that would run their Jobs.
    release, namespace = "second", "other-games"
    where = ("--namespace", namespace, "--kubeconfig", kube_api.kubeconfig, "--no-hooks")
    kind = ("--values", CHART / "ci" / "kind-values.yaml")
    done = chart.run("install", release, CHART, "--create-namespace", *where, *kind)
    assert done.returncode == 0, done.stderr
    assert "NOT for production" in done.stdout
    done = chart.run("upgrade", release, CHART, *where, *kind, "--set", "image.tag=next")
    assert done.returncode == 0, done.stderr
    bumped = tmp_path / "matchfleet"
    shutil.copytree(CHART, bumped)
    text = (bumped / "Chart.yaml").read_text()
    (bumped / "Chart.yaml").write_text(text.replace("version: 0.1.0", "version: 0.2.0", 1))
    done = chart.run("upgrade", release, bumped, *where, *kind, "--set", "image.tag=next")
    assert done.returncode == 0, done.stderr
    done = chart.run("uninstall", release, *where, "--wait")
    assert done.returncode == 0, done.stderr
    kinds = "deployments,statefulsets,jobs,services,configmaps,secrets,roles,rolebindings,fleets"
    left = kube_api.kubectl("get", kinds, "--namespace", namespace, "-o", "name").split()
    assert left == ["configmap/kube-root-ca.crt"]
    assert "second" not in kube_api.kubectl("get", "clusterroles,clusterrolebindings", "-o", "name")


@pytest.mark.control_plane
@pytest.mark.parametrize(
    ("values", "level"), [("kind", "privileged"), ("gateway", "restricted")], ids=str
)
def test_the_notes_name_the_level_that_the_fleets_need(
    chart: Chart, kube_api: control_plane.KubeApi, values: str, level: str
) -> None:
    know_our_kinds(kube_api)
    done = chart.run(
        *("install", RELEASE, CHART, "--namespace", NAMESPACE, "--dry-run=client"),
        *("--kubeconfig", kube_api.kubeconfig),
        *("--values", CHART / "ci" / f"{values}-values.yaml"),
    )
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    assert f"pod-security.kubernetes.io/enforce={level}" in notes
    assert ("matchfleet.dev/privileged-because" in notes) == (level == "privileged")


RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="module")
def strict_namespace(kube_api: control_plane.KubeApi) -> str:
    manifest = namespace_of("strict", labels=RESTRICTED)
    kube_api.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    return "strict"


def servers_of(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """How a Fleet is exposed, and a pod as the operator would make it for that Fleet."""
    meta = {"uid": "u", "resourceVersion": "1"}
    for manifest in objects:
        if manifest["kind"] == "Fleet":
            raw = {**manifest, "metadata": {**manifest["metadata"], **meta}}
            fleet = observed.fleet(raw)
            drawn = exposure.Drawing(fleet, frozenset(), lambda _: 0).draw()
            create = actions.CreatePod(
                fleet=fleet, name=PodName(f"{fleet.name}-x"), host_ports=drawn or (), attempt=0
            )
            pod = manifests.pod_for(create)
            # Who owns it matters to the collector only, and is not there.
            del pod["metadata"]["ownerReferences"]
            yield fleet.expose.type, pod


@pytest.mark.control_plane
@pytest.mark.parametrize("values", VALUES)
def test_everything_but_host_port_servers_may_run_where_restricted_is_enforced(
    chart: Chart, kube_api: control_plane.KubeApi, strict_namespace: str, values: str
) -> None:
    objects = chart.objects(values)
    dry = ("create", "--dry-run=server", "--namespace", strict_namespace, "-f", "-")
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": manifest["metadata"]["name"]},
            # Service accounts are no part of the level, and not there.
            "spec": spec | {"serviceAccountName": "default", "restartPolicy": "Never"},
        }
        for manifest in objects
        if manifest["kind"] in WORKLOADS
        for spec in [manifest["spec"]["template"]["spec"]]
    ]
    for pod in pods:
        for claim in {"data"} - {volume["name"] for volume in pod["spec"]["volumes"]}:
            pod["spec"]["volumes"] = [*pod["spec"]["volumes"], {"name": claim, "emptyDir": {}}]
    pods += [pod for kind, pod in servers_of(objects) if kind != "HostPort"]
    listed = {"apiVersion": "v1", "kind": "List", "items": pods}
    said = kube_api.kubectl(*dry, stdin=json.dumps(listed))
    assert said.count("created") == len(pods)
    for kind, pod in servers_of(objects):
        if kind == "HostPort":
            with pytest.raises(errors.ClusterError, match=r"violates PodSecurity.*hostPort"):
                kube_api.kubectl(*dry, stdin=json.dumps(pod))


def namespace_of(name: str, *, labels: Mapping[str, str] | None = None) -> Manifest:
    meta = {"name": name, "labels": dict(labels or {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


def test_a_single_operator_has_no_budget_that_would_hold_up_a_drain(chart: Chart) -> None:
    objects = chart.objects("kind-values.yaml", "--set", "operator.replicas=1")
    budgets = [o["metadata"]["name"] for o in objects if o["kind"] == "PodDisruptionBudget"]
    assert "matchfleet-operator" not in budgets


def test_a_whole_number_that_is_never_reached_guards_busy_servers(chart: Chart) -> None:
    """A percentage could not be counted: a Match has no scale subresource."""
    for values in VALUES:
        spec = named(chart.objects(values), "PodDisruptionBudget", f"{RELEASE}-busy")["spec"]
        assert isinstance(spec["minAvailable"], int)
        assert spec["minAvailable"] > 100_000
        selector = spec["selector"]
        assert selector["matchLabels"] == {LABEL_MANAGED_BY: MANAGED_BY, LABEL_STATE: "busy"}
        assert selector["matchExpressions"] == [
            {"key": marks.LABEL_EVICT, "operator": "NotIn", "values": [Evict.ALWAYS.value]}
        ]
