"""A tag changes with each input and with nothing else."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tools.cluster import binaries, digests, images, node_image


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_parts_give_different_digests(one: list[str], other: list[str]) -> None:
    assert (digests.digest(one) == digests.digest(other)) is (one == other)


def test_parts_do_not_run_into_each_other() -> None:
    assert digests.digest(["ab", "c"]) != digests.digest(["a", "bc"])


def test_a_tree_is_its_names_contents_and_executable_bits(tmp_path: Path) -> None:
    file = tmp_path / "a.sh"
    file.write_text("echo")
    before = digests.digest(digests.tree_parts(tmp_path))
    file.chmod(0o755)
    executable = digests.digest(digests.tree_parts(tmp_path))
    file.rename(tmp_path / "b.sh")
    renamed = digests.digest(digests.tree_parts(tmp_path))
    (tmp_path / "b.sh").write_text("echo 2")
    changed = digests.digest(digests.tree_parts(tmp_path))
    assert len({before, executable, renamed, changed}) == 4


def test_what_python_caches_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    before = digests.digest(digests.tree_parts(tmp_path))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"\0")
    assert digests.digest(digests.tree_parts(tmp_path)) == before


def test_programs_have_keys_of_their_own() -> None:
    programs = (binaries.KUBE, binaries.COREDNS, binaries.KIND, binaries.HELM)
    assert len({binaries.key_of(program) for program in programs}) == len(programs)


def test_the_node_image_names_its_version_and_inputs() -> None:
    name = node_image.own_name()
    assert name == node_image.own_name()
    assert name.startswith("matchfleet/kind-node:v1.34.")


def test_an_image_on_another_base_is_another_image() -> None:
    for recipe in images.RECIPES:
        on_debian = images.content_tag(recipe, base="matchfleet/debian:trixie")
        assert on_debian == images.content_tag(recipe, base="matchfleet/debian:trixie")
        assert on_debian != images.content_tag(recipe, base="official")


def test_one_changed_image_changes_the_tag_of_the_set() -> None:
    one = images.Built("matchfleet/platform", "aaa")
    other = images.Built("matchfleet/gameserver", "bbb")
    assert images.set_tag([one, other]) == images.set_tag([other, one])
    changed = images.Built("matchfleet/platform", "ccc")
    assert images.set_tag([one, other]) != images.set_tag([changed, other])
