"""What Matchfleet relies on in a Kubernetes API, proven on the local cluster and on a real one.

A behaviour that only one of the two shows is a bug of the local cluster. Each test keeps to a
namespace of its own. Pods are bound to a node that does not exist, so that no kubelet acts.
"""

import asyncio
import pathlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import kube_http
import pytest
import yaml

GROUP = "contract.matchfleet.dev"
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"widgets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wdg"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.size",
                        "statusReplicasPath": ".status.size",
                    },
                },
                "selectableFields": [{"jsonPath": ".spec.mode"}],
                "additionalPrinterColumns": [
                    {"name": "Mode", "type": "string", "jsonPath": ".spec.mode"},
                    {
                        "name": "Ready",
                        "type": "string",
                        "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
                    },
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "required": ["spec"],
                        "x-kubernetes-validations": [
                            {
                                "rule": "!has(oldSelf.status) || has(self.status)",
                                "message": "status cannot be removed",
                            }
                        ],
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["mode"],
                                "properties": {
                                    "mode": {"type": "string", "enum": ["slow", "fast"]},
                                    "size": {
                                        "type": "integer",
                                        "minimum": 0,
                                        "maximum": 10,
                                        "default": 3,
                                    },
                                    "code": {
                                        "type": "string",
                                        "pattern": "^[a-z]+$",
                                        "maxLength": 5,
                                        "x-kubernetes-validations": [
                                            {
                                                "rule": "self == oldSelf",
                                                "message": "code is immutable",
                                            }
                                        ],
                                    },
                                    "limits": {
                                        "type": "object",
                                        "default": {},
                                        "properties": {"s": {"type": "integer", "default": 60}},
                                    },
                                    "tags": {
                                        "type": "array",
                                        "maxItems": 2,
                                        "items": {"type": "string"},
                                    },
                                    "seats": {
                                        "type": "array",
                                        "maxItems": 4,
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["seat"],
                                        "items": {
                                            "type": "object",
                                            "required": ["seat"],
                                            "properties": {
                                                "seat": {"type": "integer"},
                                                "kind": {"type": "string"},
                                                "bot": {"type": "string"},
                                            },
                                            "x-kubernetes-validations": [
                                                {
                                                    "rule": "!has(self.kind) || self.kind != 'Bot'"
                                                    " || has(self.bot)",
                                                    "message": "a Bot names its bot",
                                                }
                                            ],
                                        },
                                    },
                                    "at": {"type": "string", "format": "date-time"},
                                    "free": {
                                        "type": "object",
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                },
                            },
                            "status": {
                                "type": "object",
                                "properties": {
                                    "phase": {"type": "string"},
                                    "size": {"type": "integer"},
                                    "conditions": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "properties": {
                                                "type": {"type": "string"},
                                                "status": {"type": "string"},
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture(
    params=[
        pytest.param("local_api", marks=pytest.mark.local, id="local"),
        pytest.param("kube_api", marks=pytest.mark.control_plane, id="kube"),
    ]
)
async def kube(request: pytest.FixtureRequest) -> AsyncIterator[kube_http.Kube]:
    """A session with each of the two servers."""
    async with kube_http.session(request.getfixturevalue(request.param)) as opened:
        yield opened


@pytest.fixture
async def space(kube: kube_http.Kube) -> str:
    """A new namespace, ready for pods."""
    name = f"contract-{uuid.uuid4().hex[:10]}"
    await kube.made("/api/v1/namespaces", {"metadata": {"name": name}})
    # A controller makes it too, where one runs.
    account = {"metadata": {"name": "default"}}
    answer = await kube.create(f"/api/v1/namespaces/{name}/serviceaccounts", account)
    assert answer.code in {201, 409}
    return name


@pytest.fixture
def maps(space: str) -> str:
    """The path of the namespace's config maps."""
    return f"/api/v1/namespaces/{space}/configmaps"


@pytest.fixture
def pods(space: str) -> str:
    """The path of the namespace's pods."""
    return f"/api/v1/namespaces/{space}/pods"


@pytest.fixture
async def widgets(kube: kube_http.Kube, space: str) -> str:
    """The path of the namespace's widgets, a custom kind that is served."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    answer = await kube.create(path, WIDGETS)
    assert answer.code in {201, 409}, answer.body
    served = f"/apis/{GROUP}/v1/namespaces/{space}/widgets"
    await eventually(lambda: code_of(kube, served, 200))
    return served


async def eventually(holds: Any, within_s: float = 20) -> None:
    """Wait until an awaited condition holds."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 (the condition lies in another process)
            await asyncio.sleep(0.05)


async def code_of(kube: kube_http.Kube, path: str, code: int) -> bool:
    return (await kube.get(path)).code == code


def a_map(name: str = "a", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"key": "one"},
    }


def a_widget(name: str = "w", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"mode": "slow", **spec},
    }


def a_pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "nodeName": "no-such-node",
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "none/none:1", "command": ["true"]}],
            **spec,
        },
    }


def owner_of(obj: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        **extra,
    }


# ---- creating and reading -------------------------------------------------------------------


async def test_a_new_object_gets_an_identity_and_a_version(kube: kube_http.Kube, maps: str) -> None:
    stored = await kube.made(maps, a_map())
    meta = stored["metadata"]
    assert uuid.UUID(meta["uid"])
    assert int(meta["resourceVersion"]) > 0
    assert meta["creationTimestamp"].endswith("Z")
    assert (await kube.get(f"{maps}/a")).body == stored


async def test_a_taken_name_is_refused(kube: kube_http.Kube, maps: str) -> None:
    await kube.made(maps, a_map())
    answer = await kube.create(maps, a_map())
    assert (answer.code, answer.reason) == (409, "AlreadyExists")
    assert answer.body["details"]["name"] == "a"


async def test_generated_names_differ(kube: kube_http.Kube, maps: str) -> None:
    body = {"metadata": {"generateName": "x-"}}
    first, second = await kube.made(maps, body), await kube.made(maps, body)
    assert first["metadata"]["name"].startswith("x-")
    assert first["metadata"]["name"] != second["metadata"]["name"]


async def test_a_missing_object_is_named(kube: kube_http.Kube, maps: str) -> None:
    answer = await kube.get(f"{maps}/none")
    assert (answer.code, answer.reason) == (404, "NotFound")
    assert answer.body["message"] == 'configmaps "none" not found'
    assert answer.body["details"] == {"name": "none", "kind": "configmaps"}


async def test_an_object_without_a_name_or_with_a_bad_one_is_refused(
    kube: kube_http.Kube, maps: str
) -> None:
    assert (await kube.create(maps, {"metadata": {}})).code == 422
    answer = await kube.create(maps, a_map("No_Name"))
    assert (answer.code, answer.fields) == (422, {"metadata.name"})


async def test_a_bad_label_is_refused(kube: kube_http.Kube, maps: str) -> None:
    answer = await kube.create(maps, a_map(labels={"a": "not a label"}))
    assert (answer.code, answer.fields) == (422, {"metadata.labels"})
    assert (await kube.create(maps, a_map(labels={"a": 1}))).code == 400


async def test_nothing_is_created_in_a_namespace_that_does_not_exist(kube: kube_http.Kube) -> None:
    answer = await kube.create("/api/v1/namespaces/none-such/configmaps", a_map())
    assert (answer.code, answer.body["details"]["kind"]) == (404, "namespaces")


async def test_a_new_object_must_not_bring_a_version(kube: kube_http.Kube, maps: str) -> None:
    answer = await kube.create(maps, a_map(resourceVersion="1"))
    assert answer.code == 500
    assert answer.body["message"] == "resourceVersion should not be set on objects to be created"


async def test_a_body_of_another_kind_is_refused(kube: kube_http.Kube, maps: str) -> None:
    assert (await kube.create(maps, {**a_map(), "kind": "Secret"})).code == 400


async def test_a_custom_object_says_what_it_is(kube: kube_http.Kube, widgets: str) -> None:
    for field in ("kind", "apiVersion"):
        body = {key: value for key, value in a_widget().items() if key != field}
        answer = await kube.create(widgets, body)
        assert (answer.code, answer.reason) == (400, "BadRequest")


async def test_a_dry_run_stores_nothing(kube: kube_http.Kube, maps: str) -> None:
    assert (await kube.create(maps, a_map(), dryRun="All")).code == 201
    assert (await kube.get(f"{maps}/a")).code == 404


async def test_a_list_carries_its_version_and_selects(kube: kube_http.Kube, maps: str) -> None:
    for name, color in (("a", "red"), ("b", "blue"), ("c", "red")):
        await kube.made(maps, a_map(name, labels={"color": color}))

    async def names(**query: str) -> list[str]:
        answer = await kube.get(maps, **query)
        assert int(answer.version) > 0
        return [
            item["metadata"]["name"]
            for item in answer.body["items"]
            if item["metadata"]["name"] in "abc"
        ]

    assert await names() == ["a", "b", "c"]
    assert await names(labelSelector="color=red") == ["a", "c"]
    assert await names(labelSelector="color!=red") == ["b"]
    assert await names(labelSelector="color in (blue,green)") == ["b"]
    assert await names(labelSelector="color,color notin (blue)") == ["a", "c"]
    assert await names(labelSelector="!color") == []
    assert await names(fieldSelector="metadata.name=b") == ["b"]
    assert await names(fieldSelector="metadata.name!=b") == ["a", "c"]


@pytest.mark.parametrize("query", [{"labelSelector": "a b"}, {"fieldSelector": "spec.none=1"}])
async def test_a_selector_that_is_none_is_refused(
    kube: kube_http.Kube, maps: str, query: dict[str, str]
) -> None:
    assert (await kube.get(maps, **query)).code == 400


async def test_custom_fields_can_be_selected(kube: kube_http.Kube, widgets: str) -> None:
    await kube.made(widgets, a_widget("a", mode="fast"))
    await kube.made(widgets, a_widget("b", mode="slow"))
    answer = await kube.get(widgets, fieldSelector="spec.mode=fast")
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["a"]


async def test_metadata_alone_can_be_listed(kube: kube_http.Kube, maps: str) -> None:
    await kube.made(maps, a_map())
    answer = await kube.call(
        "GET", maps, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    )
    assert answer.body["kind"] == "PartialObjectMetadataList"
    item = next(i for i in answer.body["items"] if i["metadata"]["name"] == "a")
    assert item.keys() <= {"kind", "apiVersion", "metadata"}


async def test_a_table_has_the_columns_of_the_definition(
    kube: kube_http.Kube, widgets: str
) -> None:
    await kube.made(widgets, a_widget())
    conditions = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    await kube.merge(f"{widgets}/w/status", conditions)
    answer = await kube.call(
        "GET", widgets, accept="application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    )
    columns = [column["name"] for column in answer.body["columnDefinitions"]]
    assert columns == ["Name", "Mode", "Ready", "Age"]
    assert answer.body["rows"][0]["cells"][:3] == ["w", "slow", "True"]
    assert answer.body["rows"][0]["object"]["metadata"]["name"] == "w"


# ---- updating -------------------------------------------------------------------------------


async def test_an_update_of_an_old_version_is_a_conflict(kube: kube_http.Kube, maps: str) -> None:
    old = await kube.made(maps, a_map())
    new = await kube.replace(f"{maps}/a", {**old, "data": {"key": "two"}})
    assert new.code == 200
    assert int(new.version) > int(old["metadata"]["resourceVersion"])
    answer = await kube.replace(f"{maps}/a", {**old, "data": {"key": "three"}})
    assert (answer.code, answer.reason) == (409, "Conflict")
    assert (await kube.get(f"{maps}/a")).body["data"] == {"key": "two"}


async def test_a_lease_is_taken_by_one_of_two(kube: kube_http.Kube, space: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{space}/leases"
    lease = await kube.made(path, {"metadata": {"name": "l"}, "spec": {"holderIdentity": ""}})
    takes = [
        kube.replace(f"{path}/l", {**lease, "spec": {"holderIdentity": name}})
        for name in ("one", "two")
    ]
    answers = await asyncio.gather(*takes)
    assert sorted(answer.code for answer in answers) == [200, 409]


async def test_kinds_with_guarded_updates_ask_for_a_version(
    kube: kube_http.Kube, space: str, widgets: str
) -> None:
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{space}/leases"
    lease = {"metadata": {"name": "l"}, "spec": {}}
    await kube.made(leases, lease)
    await kube.made(widgets, a_widget())
    for path, body in ((f"{leases}/l", lease), (f"{widgets}/w", a_widget())):
        answer = await kube.replace(path, body)
        assert (answer.code, answer.fields) == (422, {"metadata.resourceVersion"})


async def test_a_version_in_a_merge_patch_is_a_precondition(
    kube: kube_http.Kube, maps: str
) -> None:
    old = await kube.made(maps, a_map())
    version = old["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "data": {"key": "two"}}
    assert (await kube.merge(f"{maps}/a", body)).code == 200
    answer = await kube.merge(f"{maps}/a", body)
    assert (answer.code, answer.reason) == (409, "Conflict")


async def test_an_identity_is_a_precondition_of_a_put_and_immutable_in_a_patch(
    kube: kube_http.Kube, maps: str
) -> None:
    made = await kube.made(maps, a_map())
    meta = {"uid": str(uuid.uuid4())}
    patched = await kube.merge(f"{maps}/a", {"metadata": meta, "data": {"key": "two"}})
    assert (patched.code, patched.fields) == (422, {"metadata.uid"})
    put = await kube.replace(f"{maps}/a", {**made, "metadata": {**made["metadata"], **meta}})
    assert (put.code, put.reason) == (409, "Conflict")


@pytest.mark.parametrize("metadata", [{"name": "other"}, {"namespace": "other"}, {"name": None}])
async def test_an_object_cannot_be_renamed(
    kube: kube_http.Kube, maps: str, metadata: dict[str, Any]
) -> None:
    await kube.made(maps, a_map())
    answer = await kube.merge(f"{maps}/a", {"metadata": metadata})
    assert (answer.code, answer.reason) == (400, "BadRequest")


async def test_a_merge_patch_merges_and_removes(kube: kube_http.Kube, maps: str) -> None:
    await kube.made(maps, a_map(labels={"a": "1", "b": "2"}))
    body = {"metadata": {"labels": {"a": None, "c": "3"}}, "data": {"other": "two"}}
    answer = await kube.merge(f"{maps}/a", body)
    assert answer.body["metadata"]["labels"] == {"b": "2", "c": "3"}
    assert answer.body["data"] == {"key": "one", "other": "two"}


async def test_a_json_patch_applies_only_when_its_tests_hold(
    kube: kube_http.Kube, maps: str
) -> None:
    old = await kube.made(maps, a_map())
    operations = [
        {
            "op": "test",
            "path": "/metadata/resourceVersion",
            "value": old["metadata"]["resourceVersion"],
        },
        {"op": "replace", "path": "/data/key", "value": "two"},
        {"op": "add", "path": "/metadata/labels", "value": {"a~b/c": "x"}},
        {"op": "remove", "path": "/metadata/labels/a~0b~1c"},
        {"op": "add", "path": "/metadata/labels/d", "value": "y"},
    ]
    answer = await kube.patch(f"{maps}/a", operations, kube_http.JSON)
    assert answer.code == 200, answer.body
    assert (answer.body["data"], answer.body["metadata"]["labels"]) == ({"key": "two"}, {"d": "y"})
    again = await kube.patch(f"{maps}/a", operations, kube_http.JSON)
    assert (again.code, again.reason) == (422, "Invalid")


async def test_a_json_patch_of_what_is_not_there_is_refused(
    kube: kube_http.Kube, maps: str
) -> None:
    await kube.made(maps, a_map())
    for operation in (
        {"op": "remove", "path": "/data/none"},
        {"op": "replace", "path": "/metadata/none/below", "value": 1},
    ):
        answer = await kube.patch(f"{maps}/a", [operation], kube_http.JSON)
        assert answer.code == 422


async def test_a_write_that_changes_nothing_is_none(kube: kube_http.Kube, widgets: str) -> None:
    made = await kube.made(widgets, a_widget())
    answer = await kube.merge(f"{widgets}/w", {"spec": {"mode": "slow"}})
    assert answer.version == made["metadata"]["resourceVersion"]


async def test_the_servers_own_metadata_cannot_be_written(kube: kube_http.Kube, maps: str) -> None:
    old = await kube.made(maps, a_map())
    born = {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 9}}
    answer = await kube.merge(f"{maps}/a", born)
    assert answer.code == 200
    meta = answer.body["metadata"]
    assert meta["creationTimestamp"] == old["metadata"]["creationTimestamp"]
    doomed = {"metadata": {"deletionTimestamp": "2001-01-01T00:00:00Z"}}
    refused = await kube.merge(f"{maps}/a", doomed)
    assert (refused.code, refused.fields) == (422, {"metadata.deletionTimestamp"})


async def test_custom_kinds_take_no_strategic_patch(kube: kube_http.Kube, widgets: str) -> None:
    await kube.made(widgets, a_widget())
    answer = await kube.patch(f"{widgets}/w", {"spec": {}}, kube_http.STRATEGIC)
    assert (answer.code, answer.reason) == (415, "UnsupportedMediaType")


async def test_the_generation_counts_changes_of_the_spec(
    kube: kube_http.Kube, widgets: str
) -> None:
    made = await kube.made(widgets, a_widget())
    labelled = await kube.merge(f"{widgets}/w", {"metadata": {"labels": {"a": "b"}}})
    status = await kube.merge(f"{widgets}/w/status", {"status": {"phase": "x"}})
    changed = await kube.merge(f"{widgets}/w", {"spec": {"mode": "fast"}})
    generations = [
        obj["metadata"]["generation"] for obj in (made, labelled.body, status.body, changed.body)
    ]
    assert generations == [1, 1, 1, 2]


async def test_status_and_spec_have_endpoints_of_their_own(
    kube: kube_http.Kube, widgets: str
) -> None:
    made = await kube.made(widgets, {**a_widget(), "status": {"phase": "early"}})
    assert "status" not in made
    both = {"spec": {"mode": "fast"}, "status": {"phase": "x"}}
    main = await kube.merge(f"{widgets}/w", both)
    assert (main.body["spec"]["mode"], "status" in main.body) == ("fast", False)
    below = {"spec": {"mode": "slow"}, "status": {"phase": "y"}}
    status = await kube.merge(f"{widgets}/w/status", below)
    assert (status.body["spec"]["mode"], status.body["status"]) == ("fast", {"phase": "y"})
    put = {**status.body, "spec": {"mode": "slow"}, "status": {"phase": "z"}}
    answer = await kube.replace(f"{widgets}/w/status", put)
    assert (answer.body["spec"]["mode"], answer.body["status"]) == ("fast", {"phase": "z"})
    stale = await kube.replace(f"{widgets}/w/status", put)
    assert stale.code == 409


async def test_the_scale_is_one_number_of_the_spec(kube: kube_http.Kube, widgets: str) -> None:
    await kube.made(widgets, a_widget())
    scale = await kube.get(f"{widgets}/w/scale")
    assert (scale.body["kind"], scale.body["spec"]) == ("Scale", {"replicas": 3})
    answer = await kube.merge(f"{widgets}/w/scale", {"spec": {"replicas": 5}})
    assert answer.body["spec"] == {"replicas": 5}
    assert (await kube.get(f"{widgets}/w")).body["spec"]["size"] == 5


# ---- schema ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param({"mode": None}, "spec.mode", id="required"),
        pytest.param({"size": "three"}, "spec.size", id="type"),
        pytest.param({"mode": "other"}, "spec.mode", id="enum"),
        pytest.param({"size": 11}, "spec.size", id="maximum"),
        pytest.param({"size": -1}, "spec.size", id="minimum"),
        pytest.param({"code": "A1"}, "spec.code", id="pattern"),
        pytest.param({"code": "toolong"}, "spec.code", id="maxLength"),
        pytest.param({"tags": ["a", "b", "c"]}, "spec.tags", id="maxItems"),
        pytest.param({"seats": [{"kind": "x"}]}, "spec.seats[0].seat", id="required in a list"),
        pytest.param({"seats": [{"seat": 1}, {"seat": 1}]}, "spec.seats[1]", id="duplicate key"),
        pytest.param({"seats": [{"seat": 1, "kind": "Bot"}]}, "spec.seats[0]", id="CEL"),
        pytest.param({"at": "tomorrow"}, "spec.at", id="format"),
    ],
)
async def test_an_object_that_breaks_its_schema_is_refused_with_the_field(
    kube: kube_http.Kube, widgets: str, spec: dict[str, Any], field: str
) -> None:
    answer = await kube.create(widgets, a_widget(**spec))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.body["details"]["kind"] == "Widget"
    assert field in answer.fields
    assert f'Widget.{GROUP} "w" is invalid: ' in answer.body["message"]
    assert field in answer.body["message"]


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        (
            {"mode": "other"},
            {
                "reason": "FieldValueNotSupported",
                "message": 'Unsupported value: "other": supported values: "slow", "fast"',
                "field": "spec.mode",
            },
        ),
        (
            {"mode": None},
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.mode"},
        ),
        (
            {"size": 11},
            {
                "reason": "FieldValueInvalid",
                "message": "Invalid value: 11: spec.size in body should be less than or equal "
                "to 10",
                "field": "spec.size",
            },
        ),
        (
            {"size": "three"},
            {
                "reason": "FieldValueTypeInvalid",
                "message": 'Invalid value: "string": spec.size in body must be of type integer: '
                '"string"',
                "field": "spec.size",
            },
        ),
        (
            {"code": "A1"},
            {
                "reason": "FieldValueInvalid",
                "message": "Invalid value: \"A1\": spec.code in body should match '^[a-z]+$'",
                "field": "spec.code",
            },
        ),
        (
            {"code": "toolong"},
            {
                "reason": "FieldValueTooLong",
                "message": "Too long: may not be more than 5 bytes",
                "field": "spec.code",
            },
        ),
        (
            {"tags": ["a", "b", "c"]},
            {
                "reason": "FieldValueTooMany",
                "message": "Too many: 3: must have at most 2 items",
                "field": "spec.tags",
            },
        ),
        (
            {"size": "three"},
            {
                "reason": "FieldValueInvalid",
                "message": "Invalid value: null: some validation rules were not checked because "
                "the object was invalid; correct the existing errors to complete validation",
                "field": "<nil>",
            },
        ),
        (
            {"seats": [{"seat": 1}, {"seat": 1}]},
            {
                "reason": "FieldValueDuplicate",
                "message": 'Duplicate value: {"seat":1}',
                "field": "spec.seats[1]",
            },
        ),
        (
            {"at": "tomorrow"},
            {
                "reason": "FieldValueTypeInvalid",
                "message": 'Invalid value: "tomorrow": spec.at in body must be of type date-time: '
                '"tomorrow"',
                "field": "spec.at",
            },
        ),
        (
            {"seats": [{"seat": 1, "kind": "Bot"}]},
            {
                "reason": "FieldValueInvalid",
                "message": 'Invalid value: "object": a Bot names its bot',
                "field": "spec.seats[0]",
            },
        ),
    ],
    ids=lambda value: str(next(iter(value))),
)
async def test_a_refusal_says_the_same_sentence(
    kube: kube_http.Kube, widgets: str, spec: dict[str, Any], cause: dict[str, str]
) -> None:
    answer = await kube.create(widgets, a_widget(**spec))
    assert cause in answer.body["details"]["causes"]


async def test_defaults_are_filled_in_and_unknown_fields_dropped(
    kube: kube_http.Kube, widgets: str
) -> None:
    spec = {"unknown": 1, "limits": {"other": 2}, "free": {"any": {"thing": 1}}}
    answer = await kube.create(widgets, a_widget(**spec))
    assert answer.code == 201
    assert answer.body["spec"] == {
        "mode": "slow",
        "size": 3,
        "limits": {"s": 60},
        "free": {"any": {"thing": 1}},
    }
    assert any('unknown field "spec.unknown"' in w.replace("\\", "") for w in answer.warnings)


async def test_strict_validation_refuses_unknown_fields(kube: kube_http.Kube, widgets: str) -> None:
    answer = await kube.create(widgets, a_widget(unknown=1), fieldValidation="Strict")
    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert 'unknown field "spec.unknown"' in answer.body["message"]
    ignored = await kube.create(widgets, a_widget(unknown=1), fieldValidation="Ignore")
    assert (ignored.code, ignored.warnings) == (201, ())


async def test_a_transition_rule_compares_with_the_stored_object(
    kube: kube_http.Kube, widgets: str
) -> None:
    await kube.made(widgets, a_widget(code="abc"))
    answer = await kube.merge(f"{widgets}/w", {"spec": {"code": "abd"}})
    assert (answer.code, answer.fields) == (422, {"spec.code"})
    assert "code is immutable" in answer.body["message"]
    assert (await kube.merge(f"{widgets}/w", {"spec": {"mode": "fast"}})).code == 200


async def test_a_rule_at_the_root_keeps_the_status(kube: kube_http.Kube, widgets: str) -> None:
    await kube.made(widgets, a_widget())
    path = f"{widgets}/w/status"
    assert (await kube.merge(path, {"status": {"phase": "x"}})).code == 200
    answer = await kube.merge(path, {"status": None})
    assert answer.code == 422
    assert "status cannot be removed" in answer.body["message"]


# ---- deleting -------------------------------------------------------------------------------


async def test_a_deleted_object_is_gone(kube: kube_http.Kube, maps: str) -> None:
    made = await kube.made(maps, a_map())
    answer = await kube.delete(f"{maps}/a")
    assert (answer.code, answer.body["status"]) == (200, "Success")
    assert answer.body["details"]["uid"] == made["metadata"]["uid"]
    assert (await kube.get(f"{maps}/a")).code == 404
    assert (await kube.delete(f"{maps}/a")).code == 404


async def test_a_delete_may_name_what_it_means(kube: kube_http.Kube, maps: str) -> None:
    made = await kube.made(maps, a_map())
    meta = made["metadata"]
    await kube.merge(f"{maps}/a", {"data": {"key": "two"}})
    for preconditions in (
        {"uid": str(uuid.uuid4())},
        {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]},
    ):
        answer = await kube.delete(f"{maps}/a", {"preconditions": preconditions})
        assert (answer.code, answer.reason) == (409, "Conflict")
    gone = await kube.delete(f"{maps}/a", {"preconditions": {"uid": meta["uid"]}})
    assert gone.code == 200


async def test_a_finalizer_holds_a_deleted_object(kube: kube_http.Kube, widgets: str) -> None:
    body = a_widget()
    body["metadata"]["finalizers"] = ["matchfleet.dev/hold"]
    made = await kube.made(widgets, body)
    answer = await kube.delete(f"{widgets}/w")
    meta = answer.body["metadata"]
    assert answer.code == 200
    assert meta["deletionTimestamp"]
    assert meta["generation"] == made["metadata"]["generation"] + 1
    assert (await kube.merge(f"{widgets}/w", {"spec": {"mode": "fast"}})).code == 200
    added = {"metadata": {"finalizers": ["matchfleet.dev/hold", "matchfleet.dev/more"]}}
    refused = await kube.merge(f"{widgets}/w", added)
    assert (refused.code, refused.fields) == (422, {"metadata.finalizers"})
    released = await kube.merge(f"{widgets}/w", {"metadata": {"finalizers": None}})
    assert released.code == 200
    assert (await kube.get(f"{widgets}/w")).code == 404


async def test_a_bad_finalizer_is_refused(kube: kube_http.Kube, maps: str) -> None:
    answer = await kube.create(maps, a_map(finalizers=["not qualified"]))
    assert answer.code == 422


async def test_a_collection_is_deleted_by_selector(kube: kube_http.Kube, maps: str) -> None:
    await kube.made(maps, a_map("a", labels={"go": "yes"}))
    await kube.made(maps, a_map("b"))
    assert (await kube.delete(maps, labelSelector="go=yes")).code == 200
    assert (await kube.get(f"{maps}/a")).code == 404
    assert (await kube.get(f"{maps}/b")).code == 200


# ---- owners ---------------------------------------------------------------------------------


async def test_owned_objects_go_with_their_last_owner(kube: kube_http.Kube, maps: str) -> None:
    first, second = await kube.made(maps, a_map("o1")), await kube.made(maps, a_map("o2"))
    owners = [owner_of(first), owner_of(second)]
    await kube.made(maps, a_map("both", ownerReferences=owners))
    await kube.made(maps, a_map("one", ownerReferences=owners[:1]))
    await kube.delete(f"{maps}/o1", {"propagationPolicy": "Background"})
    await eventually(lambda: code_of(kube, f"{maps}/one", 404))

    async def has_one_owner() -> bool:
        left = (await kube.get(f"{maps}/both")).body["metadata"]["ownerReferences"]
        return [owner["name"] for owner in left] == ["o2"]

    await eventually(has_one_owner)
    await kube.delete(f"{maps}/o2", {"propagationPolicy": "Background"})
    await eventually(lambda: code_of(kube, f"{maps}/both", 404))


async def test_an_object_born_to_a_dead_owner_goes(kube: kube_http.Kube, maps: str) -> None:
    owner = await kube.made(maps, a_map("o"))
    await kube.delete(f"{maps}/o")
    await kube.made(maps, a_map("late", ownerReferences=[owner_of(owner)]))
    await eventually(lambda: code_of(kube, f"{maps}/late", 404))


async def test_orphaned_objects_stay(kube: kube_http.Kube, maps: str) -> None:
    owner = await kube.made(maps, a_map("o"))
    await kube.made(maps, a_map("child", ownerReferences=[owner_of(owner)]))
    await kube.delete(f"{maps}/o", {"propagationPolicy": "Orphan"})
    await eventually(lambda: code_of(kube, f"{maps}/o", 404))
    child = await kube.get(f"{maps}/child")
    assert "ownerReferences" not in child.body["metadata"]


async def test_in_the_foreground_the_owner_goes_last(kube: kube_http.Kube, maps: str) -> None:
    owner = await kube.made(maps, a_map("o"))
    reference = owner_of(owner, blockOwnerDeletion=True)
    held = a_map("child", ownerReferences=[reference], finalizers=["matchfleet.dev/hold"])
    await kube.made(maps, held)
    await kube.delete(f"{maps}/o", {"propagationPolicy": "Foreground"})

    async def is_dying() -> bool:
        child = await kube.get(f"{maps}/child")
        return "deletionTimestamp" in child.body["metadata"]

    await eventually(is_dying)
    assert (await kube.get(f"{maps}/o")).code == 200
    await kube.merge(f"{maps}/child", {"metadata": {"finalizers": None}})
    await eventually(lambda: code_of(kube, f"{maps}/o", 404))


# ---- watching -------------------------------------------------------------------------------


async def test_a_watch_goes_on_from_a_list(kube: kube_http.Kube, maps: str) -> None:
    await kube.made(maps, a_map("before"))
    version = (await kube.get(maps, labelSelector="!other")).version
    await kube.made(maps, a_map("x"))
    selected = {"fieldSelector": "metadata.name=x", "resourceVersion": version}
    async with kube.watch(maps, **selected) as watching:
        assert await watching.take(1) == [("ADDED", "x")]
        changed = await kube.merge(f"{maps}/x", {"data": {"key": "two"}})
        event = await watching.next()
        assert (event["type"], event["object"]) == ("MODIFIED", changed.body)
        await kube.delete(f"{maps}/x")
        gone = await watching.next()
        assert gone["type"] == "DELETED"
        assert int(gone["object"]["metadata"]["resourceVersion"]) > int(changed.version)


async def test_a_watch_resumes_without_loss(kube: kube_http.Kube, maps: str) -> None:
    version = (await kube.get(maps)).version
    for name in ("a", "b", "c"):
        await kube.made(maps, a_map(name))
    selector = {"fieldSelector": "metadata.name!=kube-root-ca.crt"}
    async with kube.watch(maps, resourceVersion=version, **selector) as watching:
        first = await watching.next()
    resumed_at = first["object"]["metadata"]["resourceVersion"]
    async with kube.watch(maps, resourceVersion=resumed_at, **selector) as watching:
        assert await watching.take(2) == [("ADDED", "b"), ("ADDED", "c")]


@pytest.mark.parametrize("version", [{}, {"resourceVersion": "0"}])
async def test_a_watch_without_a_version_begins_with_what_there_is(
    kube: kube_http.Kube, maps: str, version: dict[str, str]
) -> None:
    await kube.made(maps, a_map("x", labels={"mine": ""}))
    # A cache-served watch may begin a moment ago.
    await eventually(lambda: code_of(kube, f"{maps}/x", 200))
    async with kube.watch(maps, labelSelector="mine", **version) as watching:
        assert await watching.take(1) == [("ADDED", "x")]
        await kube.made(maps, a_map("y", labels={"mine": ""}))
        assert await watching.take(1) == [("ADDED", "y")]


async def test_a_version_that_is_forgotten_ends_the_watch_with_410(
    kube: kube_http.Kube, widgets: str
) -> None:
    async with kube.watch(widgets, resourceVersion="1") as watching:
        event = await watching.next()
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_a_watch_ends_in_time_with_a_bookmark(kube: kube_http.Kube, maps: str) -> None:
    version = (await kube.get(maps)).version
    query = {"allowWatchBookmarks": "true", "timeoutSeconds": "4", "resourceVersion": version}
    async with kube.watch(maps, **query) as watching:
        # A quiet kind gets no bookmark from the real server.
        made = await kube.made(maps, a_map())
        bookmarks = [e for e in await watching.rest() if e["type"] == "BOOKMARK"]
    assert bookmarks
    last = bookmarks[-1]["object"]
    assert last["kind"] == "ConfigMap"
    assert int(last["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])


async def test_without_being_asked_no_bookmark_is_sent(kube: kube_http.Kube, maps: str) -> None:
    version = (await kube.get(maps)).version
    query = {"timeoutSeconds": "3", "resourceVersion": version, "labelSelector": "none"}
    async with kube.watch(maps, **query) as watching:
        assert await watching.rest() == []


async def test_a_streaming_list_marks_its_end(kube: kube_http.Kube, maps: str) -> None:
    await kube.made(maps, a_map("x", labels={"mine": ""}))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "labelSelector": "mine",
    }
    async with kube.watch(maps, **query) as watching:
        assert await watching.take(1) == [("ADDED", "x")]
        event = await watching.next()
    assert event["type"] == "BOOKMARK"
    annotations = event["object"]["metadata"]["annotations"]
    assert annotations["k8s.io/initial-events-end"] == "true"


async def test_a_streaming_list_asks_for_its_match_rule(kube: kube_http.Kube, maps: str) -> None:
    answer = await kube.get(maps, watch="true", sendInitialEvents="true")
    assert answer.code == 422


async def test_an_object_enters_and_leaves_a_selecting_watch(
    kube: kube_http.Kube, maps: str
) -> None:
    await kube.made(maps, a_map("x"))
    version = (await kube.get(maps)).version
    query = {"labelSelector": "state=idle", "resourceVersion": version}
    async with kube.watch(maps, **query) as watching:

        async def label(state: str) -> kube_http.Answer:
            return await kube.merge(f"{maps}/x", {"metadata": {"labels": {"state": state}}})

        await label("idle")
        assert (await watching.next())["type"] == "ADDED"
        await kube.merge(f"{maps}/x", {"data": {"key": "two"}})
        assert (await watching.next())["type"] == "MODIFIED"
        left = await label("busy")
        event = await watching.next()
        assert event["type"] == "DELETED"
        assert event["object"]["metadata"]["resourceVersion"] == left.version
        assert event["object"]["metadata"]["labels"] == {"state": "idle"}
        await kube.merge(f"{maps}/x", {"data": {"key": "unseen"}})
        await label("idle")
        assert (await watching.next())["type"] == "ADDED"


# ---- pods without a kubelet -----------------------------------------------------------------


async def test_a_new_pod_is_pending_and_has_defaults(kube: kube_http.Kube, pods: str) -> None:
    pod = await kube.made(pods, a_pod())
    assert pod["status"]["phase"] == "Pending"
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["terminationGracePeriodSeconds"] == 30
    assert container["terminationMessagePath"] == "/dev/termination-log"
    assert container["terminationMessagePolicy"] == "File"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"containers": []}, "spec.containers"),
        ({"containers": [{"name": "main"}]}, "spec.containers[0].image"),
        ({"containers": [{"name": "Main", "image": "x"}]}, "spec.containers[0].name"),
        ({"restartPolicy": "Sometimes"}, "spec.restartPolicy"),
        ({"activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds"),
        (
            {
                "containers": [
                    {
                        "name": "main",
                        "image": "x",
                        "volumeMounts": [{"name": "none", "mountPath": "/x"}],
                    }
                ]
            },
            "spec.containers[0].volumeMounts[0].name",
        ),
    ],
    ids=["no container", "no image", "bad name", "bad policy", "zero deadline", "no volume"],
)
async def test_a_bad_pod_is_refused_with_the_field(
    kube: kube_http.Kube, pods: str, spec: dict[str, Any], field: str
) -> None:
    answer = await kube.create(pods, a_pod(**spec))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert field in answer.fields


async def test_a_pods_deadline_may_be_set_and_lowered_only(kube: kube_http.Kube, pods: str) -> None:
    await kube.made(pods, a_pod())

    async def deadline(seconds: int | None) -> int:
        return (await kube.merge(f"{pods}/p", {"spec": {"activeDeadlineSeconds": seconds}})).code

    assert [await deadline(s) for s in (100, 50, 60, None)] == [200, 200, 422, 422]


async def test_most_of_a_pods_spec_cannot_change(kube: kube_http.Kube, pods: str) -> None:
    await kube.made(pods, a_pod())
    refused = await kube.merge(f"{pods}/p", {"spec": {"restartPolicy": "Always"}})
    assert (refused.code, refused.fields) == (422, {"spec"})
    image = {"spec": {"containers": [{"name": "main", "image": "none/none:2"}]}}
    answer = await kube.patch(f"{pods}/p", image, kube_http.STRATEGIC)
    assert answer.code == 200
    assert answer.body["spec"]["containers"][0]["command"] == ["true"]


async def test_conditions_of_a_pod_merge_by_type(kube: kube_http.Kube, pods: str) -> None:
    await kube.made(pods, a_pod())

    async def condition(name: str, status: str) -> list[dict[str, Any]]:
        body = {"status": {"conditions": [{"type": name, "status": status}]}}
        answer = await kube.patch(f"{pods}/p/status", body, kube_http.STRATEGIC)
        assert answer.code == 200, answer.body
        conditions: list[dict[str, Any]] = answer.body["status"]["conditions"]
        return conditions

    await condition("A", "True")
    await condition("B", "True")
    found = {c["type"]: c["status"] for c in await condition("A", "False")}
    assert {"A": "False", "B": "True"}.items() <= found.items()


async def test_a_running_pod_gets_its_grace_before_it_goes(kube: kube_http.Kube, pods: str) -> None:
    made = await kube.made(pods, a_pod(terminationGracePeriodSeconds=20))
    first = await kube.delete(f"{pods}/p")
    assert first.body["metadata"]["deletionGracePeriodSeconds"] == 20
    assert (await kube.get(f"{pods}/p")).code == 200
    shorter = await kube.delete(f"{pods}/p", {"gracePeriodSeconds": 5})
    assert shorter.body["metadata"]["deletionGracePeriodSeconds"] == 5
    longer = await kube.delete(f"{pods}/p", {"gracePeriodSeconds": 50})
    assert longer.body["metadata"]["deletionGracePeriodSeconds"] == 5
    uid = {"uid": made["metadata"]["uid"]}
    await kube.delete(f"{pods}/p", {"gracePeriodSeconds": 0, "preconditions": uid})
    assert (await kube.get(f"{pods}/p")).code == 404


async def test_an_ended_pod_needs_no_grace(kube: kube_http.Kube, pods: str) -> None:
    await kube.made(pods, a_pod())
    await kube.merge(f"{pods}/p/status", {"status": {"phase": "Succeeded"}})
    await kube.delete(f"{pods}/p")
    assert (await kube.get(f"{pods}/p")).code == 404


async def test_a_finalizer_holds_a_pod_whose_grace_is_over(kube: kube_http.Kube, pods: str) -> None:
    pod = a_pod()
    pod["metadata"]["finalizers"] = ["matchfleet.dev/hold"]
    await kube.made(pods, pod)
    await kube.delete(f"{pods}/p", {"gracePeriodSeconds": 0})
    held = await kube.get(f"{pods}/p")
    assert held.body["metadata"]["deletionGracePeriodSeconds"] == 0
    await kube.merge(f"{pods}/p", {"metadata": {"finalizers": None}})
    assert (await kube.get(f"{pods}/p")).code == 404


async def test_pods_can_be_selected_by_node_and_phase(kube: kube_http.Kube, pods: str) -> None:
    await kube.made(pods, a_pod("a"))
    await kube.made(pods, a_pod("b"))
    await kube.merge(f"{pods}/b/status", {"status": {"phase": "Running"}})
    query = {"fieldSelector": "spec.nodeName=no-such-node,status.phase=Running"}
    answer = await kube.get(pods, **query)
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["b"]


# ---- other kinds ----------------------------------------------------------------------------


async def test_an_event_is_seen_in_both_groups(kube: kube_http.Kube, space: str) -> None:
    regarding = {"kind": "ConfigMap", "namespace": space, "name": "a"}
    event = {
        "metadata": {"name": "e"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "type": "Warning",
        "reason": "Tested",
        "action": "Testing",
        "note": "it happened",
        "regarding": regarding,
        "reportingController": "matchfleet.dev/test",
        "reportingInstance": "test-0",
    }
    await kube.made(f"/apis/events.k8s.io/v1/namespaces/{space}/events", event)
    core = f"/api/v1/namespaces/{space}/events"
    answer = await kube.get(core, fieldSelector="involvedObject.name=a,reason=Tested")
    (item,) = answer.body["items"]
    assert (item["message"], item["involvedObject"]) == ("it happened", regarding)
    assert item["reportingComponent"] == "matchfleet.dev/test"


async def test_a_secret_takes_plain_text(kube: kube_http.Kube, space: str) -> None:
    path = f"/api/v1/namespaces/{space}/secrets"
    made = await kube.made(path, {"metadata": {"name": "s"}, "stringData": {"a": "b"}})
    assert made["data"] == {"a": "Yg=="}
    assert made["type"] == "Opaque"


async def test_a_deleted_namespace_takes_its_content(kube: kube_http.Kube, space: str) -> None:
    maps = f"/api/v1/namespaces/{space}/configmaps"
    await kube.made(maps, a_map())
    await kube.delete(f"/api/v1/namespaces/{space}")
    refused = await kube.create(maps, a_map("late"))
    assert refused.code in {403, 404}
    await eventually(lambda: code_of(kube, f"/api/v1/namespaces/{space}", 404))


async def test_what_is_not_served_is_not_found(kube: kube_http.Kube, pods: str) -> None:
    unknown = await kube.get("/apis/none.example/v1/namespaces/default/things")
    assert (unknown.code, unknown.body["message"].strip()) == (404, "404 page not found")
    below = await kube.get(f"{pods}/p/none")
    assert (below.code, below.reason) == (404, "NotFound")


async def test_discovery_names_what_is_served(kube: kube_http.Kube, widgets: str) -> None:
    del widgets
    groups = {group["name"] for group in (await kube.get("/apis")).body["groups"]}
    assert {GROUP, "coordination.k8s.io", "events.k8s.io", "apiextensions.k8s.io"} <= groups
    served = (await kube.get(f"/apis/{GROUP}/v1")).body["resources"]
    by_name = {resource["name"]: resource for resource in served}
    assert by_name.keys() == {"widgets", "widgets/status", "widgets/scale"}
    assert by_name["widgets"]["shortNames"] == ["wdg"]
    assert {"list", "watch", "patch"} <= set(by_name["widgets"]["verbs"])


async def test_without_a_token_nothing_is_answered(
    kube: kube_http.Kube, request: pytest.FixtureRequest, maps: str
) -> None:
    answer = await kube.call("GET", maps, accept="application/json")
    assert answer.code == 200
    target = request.node.callspec.params["kube"]
    endpoint = request.getfixturevalue(target)
    stranger = Stranger(endpoint)
    async with kube_http.session(stranger) as session:
        assert (await session.get(maps)).code == 401


class Stranger:
    """The same server, with a token that is not known."""

    def __init__(self, endpoint: kube_http.Endpoint) -> None:
        self.url = endpoint.url
        self.token = "not-a-token"
        self.kubeconfig = endpoint.kubeconfig


# ---- Matchfleet's own kinds -----------------------------------------------------------------

CRDS = pathlib.Path(__file__).parents[2] / "crds"
REFUSED_AT_BIRTH = [
    ({"game": "Air Hockey"}, "spec.game"),
    ({"fleets": []}, "spec.fleets"),
    ({"fleets": ["a", "a"]}, "spec.fleets[1]"),
    ({"players": [{"seat": 0, "kind": "Human"}]}, "spec.players[0].id"),
    ({"players": [{"seat": 0, "kind": "Human", "id": "a", "bot": "b"}]}, "spec.players[0].bot"),
    ({"limits": {"maxSeconds": 1}}, "spec.limits.maxSeconds"),
    ({"notAfter": "soon"}, "spec.notAfter"),
    ({"desired": "Perhaps"}, "spec.desired"),
]


@pytest.fixture
async def matches(kube: kube_http.Kube, space: str) -> str:
    """The path of the namespace's Matches, as `crds/` defines them."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    definition = yaml.safe_load((CRDS / "matches.yaml").read_text())
    answer = await kube.create(path, definition)
    assert answer.code in {201, 409}, answer.body
    served = f"/apis/matchfleet.dev/v1alpha1/namespaces/{space}/matches"
    await eventually(lambda: code_of(kube, served, 200))
    return served


def a_match(**spec: Any) -> dict[str, Any]:
    body: dict[str, Any] = yaml.safe_load((CRDS / "examples" / "match.yaml").read_text())
    return {**body, "metadata": {"name": "m"}, "spec": {**body["spec"], **spec}}


@pytest.mark.parametrize(("spec", "field"), REFUSED_AT_BIRTH)
async def test_a_bad_match_is_refused_with_the_field(
    kube: kube_http.Kube, matches: str, spec: dict[str, Any], field: str
) -> None:
    answer = await kube.create(matches, a_match(**spec))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert field in answer.fields


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"game": "other"}, "spec.game, mode, region and fleets cannot change"),
        ({"fleets": ["other"]}, "spec.game, mode, region and fleets cannot change"),
        ({"players": None}, "spec.players is the opening roster"),
        ({"config": {"durationSeconds": 99}}, "spec.config cannot change"),
        ({"seed": 1}, "spec.seed, ranked and limits cannot change"),
        ({"limits": {"maxSeconds": 77}}, "spec.seed, ranked and limits cannot change"),
        ({"notAfter": "2030-01-01T00:00:00Z"}, "spec.notAfter cannot change"),
    ],
)
async def test_what_a_match_is_about_cannot_change(
    kube: kube_http.Kube, matches: str, spec: dict[str, Any], said: str
) -> None:
    await kube.made(matches, a_match())
    answer = await kube.merge(f"{matches}/m", {"spec": spec})
    assert answer.code == 422
    assert said in answer.body["message"]
    allowed = {"spec": {"desired": "Cancel", "ttlSecondsAfterFinished": 5}}
    assert (await kube.merge(f"{matches}/m", allowed)).code == 200


async def test_a_match_that_ended_stays_as_it_ended(kube: kube_http.Kube, matches: str) -> None:
    made = await kube.made(matches, a_match())
    assert made["status"] == {"phase": "Pending"}

    async def status(**fields: Any) -> kube_http.Answer:
        return await kube.merge(f"{matches}/m/status", {"status": fields})

    server = {"pod": "p", "podUID": "u"}
    assert (await status(phase="Assigned", server=server)).code == 200
    assert (await status(server={"pod": "q", "podUID": "v"})).code == 200
    assert (await status(phase="Ready")).code == 200
    moved = await status(server={"podUID": "w"})
    assert (moved.code, "only before the Match is Ready" in moved.body["message"]) == (422, True)
    assert (await status(phase="Completed", result={"any": {"thing": 1}})).code == 200
    revived = await status(phase="Ready")
    assert (revived.code, "stays as it ended" in revived.body["message"]) == (422, True)
