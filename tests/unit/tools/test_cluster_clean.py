"""Cleaning never touches what is not ours, and cleans up after a run that was killed."""

from pathlib import Path

import pytest

from tools.cluster import clean, places, ports, records


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        pytest.param({}, [], id="nothing runs"),
        pytest.param({"mine-worker": "mine", "mine-control-plane": "mine"}, [], id="our cluster"),
        pytest.param(
            {"matchfleet-toolchain-kube": "", "matchfleet-node-image": ""}, [], id="builds"
        ),
        pytest.param({"broker": "", "mine-worker": "mine"}, ["broker"], id="a plain container"),
        pytest.param({"matchfleet-worker": "matchfleet"}, ["matchfleet-worker"], id="by name only"),
    ],
)
def test_a_container_is_ours_by_claim_and_not_by_name(
    running: dict[str, str], expected: list[str]
) -> None:
    assert clean.foreign(running, ours={"mine"}) == expected


def test_a_cluster_is_ours_from_before_it_exists_until_it_is_forgotten(tmp_path: Path) -> None:
    where = places.Places(cache=tmp_path, runtime=tmp_path)
    assert records.claimed(where) == []
    records.claim("mine", where=where)
    assert records.claimed(where) == ["mine"]
    record = records.Record(
        name="mine",
        ports=ports.ports_for("matchfleet"),
        image_tag="dev-1",
        images={},
        node_image="kindest/node:v1",
    )
    records.write(record, where=where)
    assert records.claimed(where) == ["mine"]
    records.forget("mine", where=where)
    assert records.claimed(where) == []


def test_removing_what_is_gone_already_is_fine(tmp_path: Path) -> None:
    clean.remove_tree(tmp_path / "gone")
    (tmp_path / "here" / "deep").mkdir(parents=True)
    clean.remove_tree(tmp_path / "here")
    assert not (tmp_path / "here").exists()
