"""The store: versions, preconditions, deletion and watches, without a server around it.

What both substrates must show is in the contract suite; here are the properties that need many
cases, and what only this store has.
"""

import datetime
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import (
    errors,
    history,
    kinds,
    patches,
    requests,
    selection,
    store,
)

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
FIRST = 1000


def a_store(**options: Any) -> store.Store:
    numbers = itertools.count(1)
    made = store.Store(
        kinds.Kinds(),
        new_uid=lambda: f"{next(numbers):08d}-0000",
        first_version=FIRST,
        **options,
    )
    made.apply(requests.Create(kinds.NAMESPACES, "", {"metadata": {"name": "x"}}), NOW)
    return made


def a_ref(name: str = "a", kind: kinds.Kind = kinds.CONFIG_MAPS) -> requests.Ref:
    return requests.Ref(kind, "x" if kind.namespaced else "", name)


def a_map(name: str = "a", **metadata: Any) -> requests.Create:
    return requests.Create(kinds.CONFIG_MAPS, "x", {"metadata": {"name": name, **metadata}})


def merged(name: str = "a", **body: Any) -> requests.Amend:
    return requests.Amend(a_ref(name), patches.Patch(patches.MERGE, body))


# ---- properties -----------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c"])
labels = st.sampled_from([None, {"color": "red"}, {"color": "blue"}])
writes = st.one_of(
    st.builds(lambda name, given: a_map(name, labels=given or {}), names, labels),
    st.builds(
        lambda name, color: merged(name, metadata={"labels": {"color": color}}),
        names,
        st.sampled_from(["red", "blue", None]),
    ),
    st.builds(lambda name, value: merged(name, data={"k": value}), names, st.sampled_from("uvw")),
    st.builds(lambda name, held: merged(name, metadata={"finalizers": held}), names,
              st.sampled_from([None, ["a.b/c"]])),
    st.builds(lambda name: requests.Delete(a_ref(name)), names),
)  # fmt: skip
RED = selection.parse("color=red", "")


def try_to(kept: store.Store, write: requests.Request) -> tuple[history.Change, ...]:
    try:
        return kept.apply(write, NOW).changes
    except errors.ApiError:
        return ()


@given(sequence=st.lists(writes, max_size=25))
def test_versions_only_grow_and_name_the_last_write(sequence: list[requests.Request]) -> None:
    kept, last = a_store(), FIRST
    for write in sequence:
        for change in try_to(kept, write):
            assert change.version > last
            assert change.obj["metadata"]["resourceVersion"] == str(change.version)
            last = change.version
    for obj in kept.select(kinds.CONFIG_MAPS):
        assert int(obj["metadata"]["resourceVersion"]) <= kept.version


@given(sequence=st.lists(writes, max_size=25), at=st.integers(0, 25), red=st.booleans())
def test_a_watch_from_any_list_ends_with_what_a_later_list_shows(
    sequence: list[requests.Request], at: int, red: bool
) -> None:
    chosen = RED if red else selection.ALL
    kept = a_store()
    for write in sequence[:at]:
        try_to(kept, write)
    seen = {obj["metadata"]["name"]: obj for obj in kept.select(kinds.CONFIG_MAPS, "x", chosen)}
    version = kept.version
    for write in sequence[at:]:
        try_to(kept, write)
    changes = kept.history.since(kinds.CONFIG_MAPS.key, version)
    for event in history.seen_through(chosen, "x", changes):
        name = event.obj["metadata"]["name"]
        if event.type is history.EventType.ADDED:
            assert name not in seen
            seen[name] = event.obj
        elif event.type is history.EventType.MODIFIED:
            assert name in seen
            seen[name] = event.obj
        else:
            del seen[name]
    later = {o["metadata"]["name"]: o for o in kept.select(kinds.CONFIG_MAPS, "x", chosen)}
    assert seen == later


@given(sequence=st.lists(writes, max_size=25))
def test_a_refused_write_changes_nothing(sequence: list[requests.Request]) -> None:
    kept = a_store()
    for write in sequence:
        before = (kept.version, list(kept.select(kinds.CONFIG_MAPS)))
        try:
            outcome = kept.apply(write, NOW)
        except errors.ApiError:
            assert (kept.version, list(kept.select(kinds.CONFIG_MAPS))) == before
        else:
            assert (kept.version == before[0]) is (not outcome.changes)


@given(sequence=st.lists(writes, max_size=25))
def test_stored_objects_are_never_changed_in_place(sequence: list[requests.Request]) -> None:
    kept = a_store()
    snapshots: list[tuple[Any, str]] = []
    for write in sequence:
        snapshots += [(change.obj, repr(change.obj)) for change in try_to(kept, write)]
    assert all(repr(obj) == text for obj, text in snapshots)


# ---- history --------------------------------------------------------------------------------


def test_a_version_of_an_earlier_life_is_expired() -> None:
    kept = a_store()
    with pytest.raises(errors.Expired, match="too old resource version: 999 "):
        kept.history.since(kinds.CONFIG_MAPS.key, FIRST - 1)
    assert kept.history.since(kinds.CONFIG_MAPS.key, FIRST) == ()


def test_each_kind_forgets_for_itself() -> None:
    kept = a_store(history_limit=2)
    begun = kept.version
    for value in ("1", "2", "3"):
        kept.apply(a_map(f"m{value}"), NOW)
    with pytest.raises(errors.Expired):
        kept.history.since(kinds.CONFIG_MAPS.key, begun)
    assert len(kept.history.since(kinds.CONFIG_MAPS.key, begun + 1)) == 2
    assert kept.history.since(kinds.SECRETS.key, begun) == ()


# ---- writes ---------------------------------------------------------------------------------


def test_an_update_keeps_what_the_server_owns() -> None:
    kept = a_store()
    made = kept.apply(a_map(), NOW).reply.body
    given_meta = {**made["metadata"], "creationTimestamp": "2001-01-01T00:00:00Z"}
    later = NOW + datetime.timedelta(hours=1)
    body = {**made, "metadata": given_meta, "data": {"k": "v"}}
    answer = kept.apply(requests.Replace(a_ref(), body), later).reply.body
    assert answer["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
    assert answer["metadata"]["uid"] == made["metadata"]["uid"]


def test_managed_fields_are_not_kept() -> None:
    kept = a_store()
    made = kept.apply(a_map(managedFields=[{"manager": "x"}]), NOW).reply.body
    assert "managedFields" not in made["metadata"]


def test_an_immutable_config_map_keeps_its_data() -> None:
    kept = a_store()
    body = {"metadata": {"name": "a"}, "data": {"k": "v"}, "immutable": True}
    kept.apply(requests.Create(kinds.CONFIG_MAPS, "x", body), NOW)
    with pytest.raises(errors.Invalid, match="field is immutable when"):
        kept.apply(merged(data={"k": "w"}), NOW)


def test_the_default_namespace_cannot_be_deleted() -> None:
    kept = a_store()
    kept.apply(requests.Create(kinds.NAMESPACES, "", {"metadata": {"name": "default"}}), NOW)
    with pytest.raises(errors.Forbidden):
        kept.apply(requests.Delete(a_ref("default", kinds.NAMESPACES)), NOW)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"labels": {"a b": "c"}}, "metadata.labels"),
        ({"labels": {"a": "x" * 64}}, "metadata.labels"),
        ({"annotations": {"a": "x" * 300_000}}, "metadata.annotations"),
        ({"finalizers": ["unqualified"]}, "metadata.finalizers[0]"),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "y"}]},
            "metadata.ownerReferences.uid",
        ),
        (
            {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "X", "name": n, "uid": n, "controller": True}
                    for n in ("a", "b")
                ]
            },
            "metadata.ownerReferences",
        ),
    ],
)
def test_bad_metadata_is_named(metadata: dict[str, Any], field: str) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        a_store().apply(a_map(**metadata), NOW)
    assert [cause.field for cause in refusal.value.causes] == [field]


@pytest.mark.parametrize(
    "metadata",
    [{"labels": ["a"]}, {"labels": {"a": 2}}, {"annotations": {"a": 1}}, {"finalizers": "x"}],
)
def test_metadata_of_another_type_is_not_understood(metadata: dict[str, Any]) -> None:
    with pytest.raises(errors.BadRequest):
        a_store().apply(a_map(**metadata), NOW)


def test_owners_are_indexed_both_ways() -> None:
    kept = a_store()
    owner = kept.apply(a_map("o"), NOW).reply.body
    uid = owner["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": uid}
    kept.apply(a_map("a", ownerReferences=[reference]), NOW)
    assert kept.owned_by(uid) == (a_ref("a"),)
    assert kept.by_uid(uid) == a_ref("o")
    kept.apply(merged("a", metadata={"ownerReferences": None}), NOW)
    kept.apply(requests.Delete(a_ref("o")), NOW)
    assert kept.owned_by(uid) == ()
    assert kept.by_uid(uid) is None


# ---- definitions ----------------------------------------------------------------------------


def a_definition(maximum: int = 9) -> dict[str, Any]:
    return {
        "metadata": {"name": "things.a.b"},
        "spec": {
            "group": "a.b",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"size": {"type": "integer", "maximum": maximum}},
                        }
                    },
                }
            ],
        },
    }


def a_thing(kind: kinds.Kind, size: int) -> requests.Create:
    body = {"apiVersion": "a.b/v1", "kind": "Thing", "metadata": {"name": "t"}, "size": size}
    return requests.Create(kind, "x", body)


def test_a_definition_is_served_from_its_creation_to_its_deletion() -> None:
    kept = a_store()
    assert kept.kinds.find("a.b", "v1", "things") is None
    made = kept.apply(requests.Create(kinds.CRDS, "", a_definition()), NOW).reply.body
    assert {c["type"] for c in made["status"]["conditions"]} == {"Established", "NamesAccepted"}
    kind = kept.kinds.find("a.b", "v1", "things")
    assert kind is not None
    kept.apply(a_thing(kind, 1), NOW)
    gone = kept.apply(requests.Delete(a_ref("things.a.b", kinds.CRDS)), NOW)
    assert [change.key for change in gone.changes] == [kinds.CRDS.key, kind.key]
    assert kept.kinds.find("a.b", "v1", "things") is None


def test_a_changed_definition_is_obeyed_at_once() -> None:
    kept = a_store()
    kept.apply(requests.Create(kinds.CRDS, "", a_definition(maximum=1)), NOW)
    kind = kept.kinds.find("a.b", "v1", "things")
    assert kind is not None
    with pytest.raises(errors.Invalid):
        kept.apply(a_thing(kind, 5), NOW)
    patch = patches.Patch(patches.MERGE, {"spec": a_definition(maximum=9)["spec"]})
    kept.apply(requests.Amend(a_ref("things.a.b", kinds.CRDS), patch), NOW)
    kind = kept.kinds.find("a.b", "v1", "things")
    assert kind is not None
    assert kept.apply(a_thing(kind, 5), NOW).reply.code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"group": ""}, "spec.group"),
        ({"scope": None}, "spec.scope"),
        ({"names": {"plural": "others", "kind": "Thing"}}, "metadata.name"),
        ({"versions": []}, "spec.versions"),
        (
            {"versions": [{"name": "v1", "storage": True}]},
            "spec.versions[0].schema.openAPIV3Schema",
        ),
    ],
)
def test_an_incomplete_definition_is_refused(change: dict[str, Any], field: str) -> None:
    definition = a_definition()
    definition["spec"] |= change
    with pytest.raises(errors.Invalid) as refusal:
        a_store().apply(requests.Create(kinds.CRDS, "", definition), NOW)
    assert field in {cause.field for cause in refusal.value.causes}
