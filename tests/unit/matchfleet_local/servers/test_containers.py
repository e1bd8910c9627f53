"""What Docker is told, before it is asked."""

from pathlib import Path

import pytest

from matchfleet_local.servers import containers, packages, recipes

DOCKER, HOME = Path("/usr/bin/docker"), Path("/runs/one")


def a_recipe(name: packages.ServerName, *, home: Path = HOME) -> recipes.Recipe:
    image = containers.OFFICIAL[name]
    what = containers.service(name, "pass-word")
    return containers.recipe(DOCKER, home / name, image, what=what, port=15000)


@pytest.mark.parametrize("name", packages.ALL)
def test_a_container_listens_on_loopback_only_and_hides_its_password(
    name: packages.ServerName,
) -> None:
    recipe = a_recipe(name)
    words = list(recipe.serve.argv)
    published = words[words.index("--publish") + 1]
    assert published == f"127.0.0.1:15000:{containers.OFFICIAL[name].port}"
    assert not [word for word in words if "pass-word" in word]
    assert "pass-word" in recipe.files["environment"]


@pytest.mark.parametrize("name", packages.ALL)
def test_a_container_ends_with_its_input_and_leaves_no_name_behind(
    name: packages.ServerName,
) -> None:
    recipe = a_recipe(name)
    assert recipe.holds_input
    assert {"--rm", "--interactive", "--init"} <= set(recipe.serve.argv)
    (before,) = recipe.before
    assert before.argv == (str(DOCKER), "rm", "--force", containers.name_for(HOME / name))


def test_each_directory_has_containers_and_volumes_of_its_own() -> None:
    mine, other = a_recipe("redis"), a_recipe("redis", home=Path("/runs/two"))
    assert mine.erase[1].argv != other.erase[1].argv
    volume = mine.erase[1].argv[-1]
    assert f"{volume}:/data" in mine.serve.argv


def test_postgresql_is_asked_for_a_fast_shutdown() -> None:
    # SIGTERM would wait for every client to leave.
    assert "STOP_SIGNAL=INT\n" in a_recipe("postgres").files["environment"]


def test_only_what_leads_to_the_daemon_is_passed_on() -> None:
    environment = {"HOME": "/h", "DOCKER_HOST": "unix:///x", "SECRET": "s", "PATH": "/bin"}
    assert containers.client_environment(environment) == {"HOME": "/h", "DOCKER_HOST": "unix:///x"}
