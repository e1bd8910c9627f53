"""Query strings and headers become values, or are refused."""

from typing import Any

import pytest

from matchfleet_local.cluster import errors, kinds, querying, requests, selection
from matchfleet_local.cluster.querying import Form

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "query", "form"),
    [
        ("", {}, Form()),
        ("*/*", {}, Form()),
        ("application/json", {}, Form()),
        (f"{TABLE},application/json", {}, Form("Table")),
        (TABLE, {"includeObject": "Object"}, Form("Table", "Object")),
        (f"{TABLE.replace('v1', 'v9')},{PARTIAL}", {}, Form("PartialObjectMetadata")),
        ("application/vnd.kubernetes.protobuf,application/json", {}, Form()),
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", {}, Form()),
        ("text/plain", {}, Form()),
    ],
)
def test_the_first_form_that_is_served(accept: str, query: dict[str, str], form: Form) -> None:
    assert querying.form(accept, query) == form


@pytest.mark.parametrize(
    ("query", "since", "timeout_s"),
    [
        ({}, None, 1800),
        ({"resourceVersion": "0", "timeoutSeconds": "0"}, None, 1800),
        ({"resourceVersion": "7", "timeoutSeconds": "5"}, 7, 5),
        (
            {
                "sendInitialEvents": "true",
                "resourceVersionMatch": "NotOlderThan",
                "resourceVersion": "7",
            },
            None,
            1800,
        ),
    ],
)
def test_where_a_watch_begins(query: dict[str, str], since: int | None, timeout_s: float) -> None:
    watch = querying.watch(kinds.PODS, "x", query)
    assert (watch.since, watch.timeout_s) == (since, timeout_s)


def test_a_watch_of_one_object_selects_its_name() -> None:
    watch = querying.watch(kinds.PODS, "x", {"labelSelector": "a=b"}, name="p")
    assert watch.selector == selection.parse("a=b", "metadata.name=p")


def test_event_fields_are_translated_to_the_stored_form() -> None:
    chosen = querying.selector(kinds.EVENTS, {"fieldSelector": "regarding.name=a,reason=b"})
    assert [term.key for term in chosen.fields] == ["involvedObject.name", "reason"]


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: querying.watch(kinds.PODS, "", {"resourceVersion": "x"}), errors.BadRequest),
        (lambda: querying.watch(kinds.PODS, "", {"sendInitialEvents": "true"}), errors.Invalid),
        (lambda: querying.check_list({"resourceVersion": "9"}, version=8), errors.ServerTimeout),
        (lambda: querying.write_options({"dryRun": "Some"}), errors.BadRequest),
        (lambda: querying.write_options({"fieldValidation": "Some"}), errors.BadRequest),
        (lambda: querying.delete_options({"propagationPolicy": "Some"}, {}), errors.BadRequest),
        (lambda: querying.delete_options({"gracePeriodSeconds": "x"}, {}), errors.BadRequest),
    ],
)
def test_what_is_not_understood_is_refused(call: Any, refusal: type[errors.ApiError]) -> None:
    with pytest.raises(refusal):
        call()


@pytest.mark.parametrize(
    ("query", "body", "options"),
    [
        ({}, {}, requests.DeleteOptions()),
        (
            {"gracePeriodSeconds": "5", "propagationPolicy": "Foreground"},
            {"gracePeriodSeconds": 0},
            requests.DeleteOptions(grace_s=0, propagation=requests.Propagation.FOREGROUND),
        ),
        (
            {"orphanDependents": "true"},
            {"preconditions": {"uid": "u", "resourceVersion": "7"}},
            requests.DeleteOptions(propagation=requests.Propagation.ORPHAN, uid="u", version="7"),
        ),
        ({"dryRun": "All"}, {}, requests.DeleteOptions(dry_run=True)),
    ],
)
def test_delete_options(
    query: dict[str, str], body: dict[str, Any], options: requests.DeleteOptions
) -> None:
    assert querying.delete_options(query, body) == options
