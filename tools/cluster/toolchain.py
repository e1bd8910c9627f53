"""Compilers: the host's where they are new enough, else Go's own image or Debian's in a container.

Go's caches live in our own cache folder either way, so a build that was killed goes on where it
stopped, and `clean` finds everything.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import commands, debian, docker, machine, places, registry, versions

BUILD_TIMEOUT_S = 3600
DOWNLOAD_TIMEOUT_S = 120
# Debug data and a busy collector cost nearly half of the compile time.
LEAN = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
COLLECT_AT_PERCENT = 800
IN_CONTAINER = "matchfleet-toolchain"


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program of ours in Go.

    Attributes:
        name: What the file is called.
        package: Go's name of its main package.
        stamps: Version strings the linker writes into it, as `import/path.name=value`.
        folder: Where its module lies.
    """

    name: str
    package: str
    stamps: tuple[str, ...] = ()
    folder: Path = places.SOURCES

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows `go build`, without the output."""
        flags = " ".join(["-s -w", *(f"-X {stamp}" for stamp in self.stamps)])
        return (*LEAN, "-ldflags", flags)


def build_go(program: GoProgram, *, output: Path, where: places.Places) -> None:
    """Compiles a program into `output`."""
    if versions.is_at_least(machine.go_version(), versions.GO_AT_LEAST):
        commands.run(
            ["go", "build", *program.arguments, "-o", output, program.package],
            cwd=program.folder,
            env=go_environment(where.go) | {"PATH": _path_with_go()},
            timeout_s=BUILD_TIMEOUT_S,
        )
        return
    words = ["go", "build", *program.arguments, "-o", f"/out/{output.name}", program.package]
    _in_container(program.name, words, source=program.folder, output=output.parent, where=where)


def download_modules(where: places.Places) -> None:
    """Fetches the sources of everything that Go will compile."""
    if versions.is_at_least(machine.go_version(), versions.GO_AT_LEAST):
        commands.run(
            ["go", "mod", "download"],
            cwd=places.SOURCES,
            env=go_environment(where.go) | {"PATH": _path_with_go()},
            timeout_s=BUILD_TIMEOUT_S,
        )


def module_source(module: str, version: str, *, where: places.Places) -> Path:
    """The source of one Go module, fetched unless it is there; for what it carries beside code."""
    path = where.go / "mod" / f"{module}@{version}"
    if path.exists():
        return path
    words = ["go", "mod", "download", f"{module}@{version}"]
    if versions.is_at_least(machine.go_version(), versions.GO_AT_LEAST):
        environment = go_environment(where.go) | {"PATH": _path_with_go()}
        commands.run(words, cwd=places.SOURCES, env=environment, timeout_s=DOWNLOAD_TIMEOUT_S)
    else:
        _in_container("module", words, source=places.SOURCES, output=where.go, where=where)
    return path


def build_pause(*, output: Path, where: places.Places) -> None:
    """Compiles the process that holds a pod's namespaces: C, so that it costs 100 kB a pod."""
    words = ["-Os", "-static"]
    source = places.SOURCES / "pause.c"
    if commands.find("cc"):
        commands.run(["cc", *words, "-o", output, source], timeout_s=120)
        return
    argv = ["cc", *words, "-o", f"/out/{output.name}", "/src/pause.c"]
    _in_container("pause", argv, source=places.SOURCES, output=output.parent, where=where)


def go_environment(cache: Path) -> dict[str, str]:
    """Variables for Go; the collector's ease is bounded by the memory of the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "GOCACHE": str(cache / "build"),
        "GOMODCACHE": str(cache / "mod"),
        # Without it the module cache is read-only and cannot be removed by `rm -r`.
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOGC": str(COLLECT_AT_PERCENT),
        "GOMEMLIMIT": f"{memory // 5 // 1024**2}MiB",
        "CGO_ENABLED": "0",
    }


def container_image() -> str:
    """The image with Debian's Go and C compilers."""
    return f"matchfleet/toolchain:{debian.image().partition(':')[2]}"


def ensure_container_image(where: places.Places) -> str:
    """The image with the compilers: the official one where it can be pulled, else built here."""
    official = versions.PUBLISHED_GO_IMAGE
    if registry.answers(where) and (docker.has_image(official) or docker.pull(official)):
        return official
    image = container_image()
    if not docker.has_image(image):
        ground = debian.ensure_image(where)
        file = places.SOURCES / "toolchain.Dockerfile"
        docker.build(
            image,
            context=places.SOURCES / "manifests",
            dockerfile=file,
            arguments={"BASE_IMAGE": ground},
        )
    return image


def _in_container(
    name: str, words: list[str], *, source: Path, output: Path, where: places.Places
) -> None:
    image = ensure_container_image(where)
    container = f"{IN_CONTAINER}-{name}"
    # A killed run leaves its container compiling: two of them would fight for the processors.
    docker.remove_containers(container)
    where.go.mkdir(parents=True, exist_ok=True)
    environment = go_environment(Path("/go-caches")) | {"HOME": "/go-caches"}
    settings = [word for pair in environment.items() for word in ("-e", "=".join(pair))]
    commands.run(
        [
            *("docker", "run", "--rm", "--network=host", "--name", container, *settings),
            # What it writes must belong to the person, who may have to remove it.
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *("-v", f"{where.go}:/go-caches", "-v", f"{source}:/src:ro"),
            *("-v", f"{output}:/out", "-w", "/src", image, *words),
        ],
        timeout_s=BUILD_TIMEOUT_S,
    )


def _path_with_go() -> str:
    go = commands.find("go")
    path = os.environ.get("PATH", "")
    return f"{go.parent}{os.pathsep}{path}" if go else path
