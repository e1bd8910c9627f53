"""What goes into which image, what a node lacks, and what names are published."""

import pytest

from tools.cluster import errors, images, loading

PLATFORM = images.Built("matchfleet/platform", "aaa")
REDIS = images.Built("matchfleet/redis", "bbb")


def test_every_recipe_has_its_files() -> None:
    for recipe in images.RECIPES:
        assert recipe.dockerfile.exists()
        assert "ARG BASE_IMAGE" in recipe.dockerfile.read_text()
        assert all((recipe.dockerfile.parent / file).exists() for file in recipe.files)


def test_the_game_server_carries_nothing_that_knows_a_database() -> None:
    (gameserver,) = images.chosen(["gameserver"])
    assert set(gameserver.rooms) == {"contracts", "telemetry", "gameserver"}


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(errors.ClusterError, match=r"platform.*rabbitmq"):
        images.chosen(["mysql"])


def test_no_choice_means_all() -> None:
    assert images.chosen([]) == list(images.RECIPES)


def test_a_node_gets_only_what_it_lacks_and_every_name() -> None:
    plan = loading.plan(
        "node",
        present=frozenset({"docker.io/matchfleet/redis:bbb"}),
        built=[PLATFORM, REDIS],
        tags=["dev"],
    )
    assert plan.missing == ("matchfleet/platform:aaa",)
    assert plan.names == (
        ("matchfleet/platform:aaa", "matchfleet/platform:dev"),
        ("matchfleet/redis:bbb", "matchfleet/redis:dev"),
    )


def test_an_image_of_the_same_name_but_other_content_is_missing() -> None:
    present = frozenset({"docker.io/matchfleet/platform:dev", "docker.io/matchfleet/platform:old"})
    plan = loading.plan("node", present=present, built=[PLATFORM], tags=["dev"])
    assert plan.missing == ("matchfleet/platform:aaa",)


@pytest.mark.parametrize("registry", ["registry.example.org/team", "registry.example.org/team/"])
def test_a_registry_is_a_prefix(registry: str) -> None:
    names = images.published_names([PLATFORM], registry=registry, tags=["0.1.0"])
    assert names == {
        "matchfleet/platform:aaa": ["registry.example.org/team/matchfleet/platform:0.1.0"]
    }


def test_without_a_registry_the_names_stay_local() -> None:
    names = images.published_names([PLATFORM], registry="", tags=["dev"])
    assert names == {"matchfleet/platform:aaa": ["matchfleet/platform:dev"]}


def test_pushing_needs_a_registry() -> None:
    with pytest.raises(errors.ClusterError, match="REGISTRY="):
        images.publish([PLATFORM], registry="", tags=["dev"], push=True)
