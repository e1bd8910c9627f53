"""Our images: what goes into each, under which tags, built only when something changed.

Every image has a tag that is a hash of its inputs; that tag is its identity. The names that a
chart uses are further tags on it: `dev`, and one for the whole set, so that one value (`image.tag`)
names all the images, which belong together.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import (
    bases,
    digests,
    docker,
    errors,
    places,
    progress,
    python_layers,
    toolchain,
)

PREFIX = "matchfleet"
DEV_TAG = "dev"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one image is made of.

    Attributes:
        name: Its name after `matchfleet/`, and that of its Dockerfile.
        ground: What it stands on.
        rooms: Our packages in it; for these a layer with their dependencies lies beneath.
        files: Files beside the Dockerfile that it copies.
        program: A program in Go that it copies, under the program's own name.
    """

    name: str
    ground: bases.Ground
    rooms: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    program: toolchain.GoProgram | None = None

    @property
    def dockerfile(self) -> Path:
        """Its Dockerfile."""
        return places.DOCKERFILES / f"{self.name}.Dockerfile"


PLATFORM_ROOMS = (
    *("contracts", "telemetry", "adapters", "operator", "api", "workers", "bots", "client"),
)
RECIPES = (
    Recipe("platform", bases.Ground.PYTHON, rooms=PLATFORM_ROOMS),
    Recipe("gameserver", bases.Ground.PYTHON, rooms=("contracts", "telemetry", "gameserver")),
    Recipe("postgres", bases.Ground.POSTGRES, files=("postgres-entrypoint.sh",)),
    Recipe("redis", bases.Ground.REDIS, files=("redis-entrypoint.sh",)),
    Recipe("rabbitmq", bases.Ground.RABBITMQ, files=("rabbitmq-entrypoint.sh",)),
    Recipe("gateway", bases.Ground.NGINX, files=("gateway-entrypoint.sh",)),
    Recipe(
        "server-go",
        bases.Ground.NOTHING,
        program=toolchain.GoProgram("server", ".", folder=places.REPO / "examples" / "server-go"),
    ),
)


@dataclass(frozen=True, slots=True)
class Built:
    """One image in the engine.

    Attributes:
        name: `matchfleet/platform`.
        tag: The hash of its inputs.
    """

    name: str
    tag: str

    @property
    def reference(self) -> str:
        """The name that stands for exactly this content."""
        return f"{self.name}:{self.tag}"


def set_tag(built: Sequence[Built]) -> str:
    """One tag for images that belong together."""
    return f"{DEV_TAG}-{digests.digest(sorted(one.reference for one in built))}"


def content_tag(recipe: Recipe, *, base: str) -> str:
    """The hash of everything that goes into an image."""
    parts = digests.tree_parts(
        recipe.dockerfile,
        *(places.DOCKERFILES / file for file in recipe.files),
        *((recipe.program.folder,) if recipe.program else ()),
        *python_layers.source_roots(recipe.rooms),
    )
    manifests = [f"{room} {python_layers.console_scripts([room])}" for room in recipe.rooms]
    return digests.digest([base, *manifests, *parts])


def chosen(names: Sequence[str]) -> list[Recipe]:
    """The recipes with these names, or all.

    Raises:
        ClusterError: There is no such image.
    """
    known = {recipe.name: recipe for recipe in RECIPES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise errors.ClusterError(f"no image called {unknown[0]!r}: there are {', '.join(known)}")
    return [known[name] for name in names] if names else list(RECIPES)


def build(recipe: Recipe, *, where: places.Places, report: progress.Reporter) -> Built:
    """Builds an image unless one with its content tag is there."""
    base = bases.resolve(recipe.ground, where=where)
    if recipe.rooms:
        base = _ensure_dependencies(recipe, base=base, where=where, report=report)
    name = f"{PREFIX}/{recipe.name}"
    built = Built(name, content_tag(recipe, base=base))
    if not docker.has_image(built.reference):
        with report.step(f"building {name}"):
            context = _stage(recipe, where)
            if recipe.program:
                toolchain.build_go(
                    recipe.program, output=context / recipe.program.name, where=where
                )
            docker.build(
                built.reference,
                context=context,
                dockerfile=recipe.dockerfile,
                arguments={"BASE_IMAGE": base},
            )
    docker.tag(built.reference, f"{name}:{DEV_TAG}")
    return built


def publish(built: Sequence[Built], *, registry: str, tags: Sequence[str], push: bool) -> list[str]:
    """Gives the images a registry's names and, if asked, pushes them; returns the names.

    Raises:
        ClusterError: Pushing without a registry to push to.
    """
    if push and not registry:
        raise errors.ClusterError("to push, name a registry: REGISTRY=registry.example.org/team")
    names = published_names(built, registry=registry, tags=tags)
    for reference, targets in names.items():
        docker.tag(reference, *targets)
        for target in targets if push else ():
            docker.push(target)
    return [target for targets in names.values() for target in targets]


def published_names(
    built: Sequence[Built], *, registry: str, tags: Sequence[str]
) -> Mapping[str, list[str]]:
    """Content reference to the names it gets under a registry's prefix."""
    prefix = f"{registry.rstrip('/')}/" if registry else ""
    return {one.reference: [f"{prefix}{one.name}:{tag}" for tag in tags] for one in built}


def _ensure_dependencies(
    recipe: Recipe, *, base: str, where: places.Places, report: progress.Reporter
) -> str:
    """The image with the recipe's third-party packages."""
    pinned = python_layers.requirements(recipe.rooms)
    dockerfile = places.DOCKERFILES / "python.Dockerfile"
    parts = [base, python_layers.layer_key(pinned), *digests.tree_parts(dockerfile)]
    image = f"{PREFIX}/python-{recipe.name}:{digests.digest(parts)}"
    if not docker.has_image(image):
        with report.step(f"installing the locked packages of {recipe.name}"):
            layer = python_layers.ensure_layer(pinned, where=where)
            docker.build(
                image, context=layer, dockerfile=dockerfile, arguments={"BASE_IMAGE": base}
            )
    return image


def _stage(recipe: Recipe, where: places.Places) -> Path:
    """A build context with this image's own files and nothing else."""
    context = where.images / "contexts" / recipe.name
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    for file in recipe.files:
        shutil.copy2(places.DOCKERFILES / file, context / file)
    if recipe.rooms:
        (context / "source").mkdir()
        (context / "bin").mkdir()
        python_layers.stage_source(recipe.rooms, context / "source")
        python_layers.stage_scripts(recipe.rooms, context / "bin")
    return context


def settings_from_environment() -> tuple[str, bool]:
    """REGISTRY and PUSH, as `make images REGISTRY=... PUSH=1` passes them."""
    return os.environ.get("REGISTRY", ""), os.environ.get("PUSH", "") not in {"", "0"}
