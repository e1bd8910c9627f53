"""A node is shown the applications that it needs, and no others."""

from pathlib import Path

from matchfleet_local.servers import erlang_apps

FILE = """
{application, broker, [
    {modules, [a, b]},  % {applications, [not_this]}
    {applications, [kernel,
                    stdlib, wire_2]},
    {optional_applications,[extra]},
    {env, [{x, [y]}]}]}.
"""


def test_needs_are_read_from_an_application_file() -> None:
    assert erlang_apps.needs(FILE) == {"kernel", "stdlib", "wire_2", "extra"}


def test_the_closure_follows_needs_and_survives_a_circle() -> None:
    needed_by = {"a": {"b", "kernel"}, "b": {"c"}, "c": {"a"}, "other": {"a"}}
    assert erlang_apps.closure(needed_by, ("a", "absent")) == {"a", "b", "c"}


def installation(folder: Path, **applications: str) -> Path:
    (folder / "sbin").mkdir()
    for name, needs in applications.items():
        ebin = folder / "plugins" / f"{name}-1.0" / "ebin"
        ebin.mkdir(parents=True)
        (ebin / f"{name}.app").write_text(f"{{application,{name},[{{applications,[{needs}]}}]}}.")
    return folder


def test_the_tree_links_the_needed_folders_only(tmp_path: Path) -> None:
    broker = installation(
        tmp_path, rabbit="kernel,ra", rabbitmq_prelaunch="ra", ra="", rabbitmq_shovel="rabbit"
    )
    assert set(erlang_apps.trimmed_tree(broker)) == {
        "sbin",
        "plugins/rabbit-1.0",
        "plugins/rabbitmq_prelaunch-1.0",
        "plugins/ra-1.0",
    }


def test_an_unknown_layout_is_left_alone(tmp_path: Path) -> None:
    assert erlang_apps.trimmed_tree(installation(tmp_path, something="kernel")) == {}
