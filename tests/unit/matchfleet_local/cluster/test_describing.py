"""What the cluster says about itself: discovery, OpenAPI, kubeconfig, node, addresses."""

import datetime
import ipaddress
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import (
    bootstrap,
    certificates,
    discovery,
    errors,
    kinds,
    kubeconfig,
    kubelet,
    views,
)

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_every_kind_is_discovered_in_its_group() -> None:
    for kind in kinds.BUILT_IN:
        listed = discovery.resource_list(kind.group, kind.version, kinds.BUILT_IN)
        assert listed is not None
        assert kind.plural in {entry["name"] for entry in listed["resources"]}
        if kind.group:
            assert discovery.group(kind.group, kinds.BUILT_IN) is not None
    assert discovery.resource_list("none", "v1", kinds.BUILT_IN) is None
    assert discovery.group("none", kinds.BUILT_IN) is None


def test_openapi_promises_field_validation_for_every_patch() -> None:
    index = discovery.openapi_index(kinds.BUILT_IN)
    assert set(index["paths"]) >= {"api/v1", "apis/coordination.k8s.io/v1"}
    document = discovery.openapi("", "v1", kinds.BUILT_IN)
    patch = document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Pod"


def test_the_kubeconfig_trusts_the_certificate() -> None:
    made = certificates.self_signed("127.0.0.1", NOW)
    text = kubeconfig.text("https://x", token="t", certificate=made.certificate, context="c")
    config = yaml.safe_load(text)
    assert config["current-context"] == "c"
    assert config["users"][0]["user"] == {"token": "t"}
    certificate = x509.load_pem_x509_certificate(made.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert certificate.not_valid_before_utc < NOW < certificate.not_valid_after_utc


@given(number=st.integers(0, 10**9))
def test_pod_addresses_are_hosts_of_their_network(number: int) -> None:
    found = ipaddress.ip_address(kubelet.address(number))
    assert found in ipaddress.ip_network("127.64.0.0/16")
    assert found.packed[3] not in {0, 255}


def test_pod_addresses_repeat_late() -> None:
    assert len({kubelet.address(n) for n in range(65_024)}) == 65_024
    assert kubelet.address(65_024) == kubelet.address(0)


def test_a_folder_of_definitions_holds_nothing_else(tmp_path: Path) -> None:
    good = {"kind": "CustomResourceDefinition", "metadata": {"name": "a"}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(good))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "x.yaml").write_text("kind: Pod")
    assert bootstrap.read_definitions(tmp_path) == (good,)
    (tmp_path / "b.yaml").write_text("kind: Pod")
    with pytest.raises(errors.BadCrdFile, match="CustomResourceDefinitions only"):
        bootstrap.read_definitions(tmp_path)
    (tmp_path / "b.yaml").write_text("{")
    with pytest.raises(errors.BadCrdFile, match="is not YAML"):
        bootstrap.read_definitions(tmp_path)


def test_an_event_survives_the_change_between_its_two_forms() -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "note": "n",
        "regarding": {"name": "a"},
        "reportingController": "c",
        "reason": "r",
    }
    stored = views.kept(kinds.EVENTS, event)
    assert views.shown(kinds.EVENTS, stored) == event
    core = views.shown(kinds.CORE_EVENTS, stored)
    assert (core["message"], core["involvedObject"]) == ("n", {"name": "a"})


def test_only_custom_items_of_a_list_say_their_type() -> None:
    custom = kinds.Kind("a.b", "v1", "Thing", "things", "thing", schema={})
    obj = {"apiVersion": "a.b/v1", "kind": "Thing", "metadata": {}}
    assert views.listed(custom, obj)["kind"] == "Thing"
    assert "kind" not in views.listed(kinds.PODS, obj)
