"""How a container becomes a process: its command, environment, files and addresses. Pure.

A process shares the machine's file system, so there are no mounts. Every volume is a directory of
the pod, and each value that begins with a mountPath (an env value, an argument, or what follows
`=` in an argument) is rewritten to begin with that directory. The termination file is reached the
same way, and always through `MATCHFLEET_TERMINATION_LOG`.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matchfleet_local.cluster import configuration, podspec, volumes

TERMINATION_ENV = "MATCHFLEET_TERMINATION_LOG"
_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod lives on this machine.

    Attributes:
        directory: the pod's own directory.
        inherited: the variables a process starts from, such as PATH.
    """

    directory: Path
    address: str
    inherited: Mapping[str, str]

    def volume(self, name: str) -> Path:
        """The directory of a volume."""
        return self.directory / "volumes" / name

    @property
    def termination(self) -> Path:
        """The file of the termination message."""
        return self.directory / "termination-log"

    @property
    def work(self) -> Path:
        """The working directory of a container that names none."""
        return self.directory / "work"


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything needed to start the process.

    Attributes:
        volumes: the files of each volume by its name; an emptyDir has none.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    volumes: dict[str, volumes.Files]


Images = Mapping[str, Sequence[str]]


def read_images(mappings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read `NAME=COMMAND...` options.

    Raises:
        ValueError: an option without a name or a command.
    """
    images = {}
    for mapping in mappings:
        name, _, command = mapping.partition("=")
        words = tuple(shlex.split(command))
        if not name or not words:
            raise ValueError(f"an image mapping is NAME=COMMAND..., not {mapping!r}")
        images[name] = words
    return images


def launch(
    pod: Mapping[str, Any], images: Images, *, lookup: configuration.Lookup, place: Place
) -> Launch:
    """How to start the pod's first container.

    Raises:
        configuration.NotReady: a command, config map, secret or field is missing.
    """
    container = pod["spec"]["containers"][0]
    files = volumes.files(pod, lookup=lookup)
    moves = _moves(container, place)
    raw = _environment(pod, container, lookup, place)
    own = {name: _moved(value, moves) for name, value in raw.items()}
    argv = _command(container, images, raw)
    work = container.get("workingDir")
    return Launch(
        argv=tuple(_moved_argument(word, moves) for word in argv),
        env={
            **place.inherited,
            "HOME": str(place.work),
            "HOSTNAME": pod["metadata"]["name"],
            **own,
            TERMINATION_ENV: str(place.termination),
        },
        cwd=Path(_moved(work, moves)) if work else place.work,
        volumes=files,
    )


def _command(container: Mapping[str, Any], images: Images, env: Mapping[str, str]) -> list[str]:
    args = [expand(arg, env) for arg in container.get("args") or ()]
    if container.get("command"):
        return [*(expand(word, env) for word in container["command"]), *args]
    command = _of_image(container["image"], images)
    if command is None:
        raise configuration.NotReady(
            "CreateContainerError",
            f"image {container['image']!r} has no command here: give the container one, or start "
            f"the cluster with --image {_repository(container['image'])}=COMMAND",
        )
    return [*command, *args]


def _repository(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"


def _of_image(image: str, images: Images) -> Sequence[str] | None:
    repository = _repository(image)
    for name in (image, repository):
        if name in images:
            return images[name]
    return next((words for name, words in images.items() if repository.endswith(f"/{name}")), None)


# ---- environment ----------------------------------------------------------------------------


def _environment(
    pod: Mapping[str, Any], container: Mapping[str, Any], lookup: configuration.Lookup, place: Place
) -> dict[str, str]:
    env: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        env |= _env_from(source, lookup)
    for entry in container.get("env") or ():
        value = _env_value(entry, pod, lookup, place)
        if value is not None:
            env[entry["name"]] = expand(value, env) if "value" in entry else value
    return env


def _env_from(source: Mapping[str, Any], lookup: configuration.Lookup) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    if "configMapRef" in source:
        found = configuration.config_map(source["configMapRef"], lookup)
        return {f"{prefix}{key}": value for key, value in configuration.texts(found).items()}
    found = configuration.secret(source["secretRef"], lookup)
    return {
        f"{prefix}{key}": value.decode() for key, value in configuration.secret_data(found).items()
    }


def _env_value(
    entry: Mapping[str, Any], pod: Mapping[str, Any], lookup: configuration.Lookup, place: Place
) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return str(entry.get("value", ""))
    if "fieldRef" in source:
        return configuration.field(pod, source["fieldRef"]["fieldPath"], address=place.address)
    if "configMapKeyRef" in source:
        ref = source["configMapKeyRef"]
        text = configuration.texts(configuration.config_map(ref, lookup)).get(ref["key"])
        return _present(text, ref, "configmap")
    if "secretKeyRef" in source:
        ref = source["secretKeyRef"]
        data = configuration.secret_data(configuration.secret(ref, lookup)).get(ref["key"])
        return _present(None if data is None else data.decode(), ref, "secret")
    raise configuration.NotReady(
        "CreateContainerConfigError", f"env {entry['name']}: {', '.join(source)} is not known here"
    )


def _present(value: str | None, ref: Mapping[str, Any], what: str) -> str | None:
    if value is None and not ref.get("optional"):
        raise configuration.NotReady(
            "CreateContainerConfigError",
            f"couldn't find key {ref['key']} in {what} {ref['name']}",
        )
    return value


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by known variables; `$$` is a dollar, unknown names stay."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return env.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


# ---- paths ----------------------------------------------------------------------------------

Moves = tuple[tuple[str, str], ...]


def _moves(container: Mapping[str, Any], place: Place) -> Moves:
    """From each mountPath to its directory, longest first."""
    moves = dict(_mounts(container, place))
    ending = container.get("terminationMessagePath") or podspec.TERMINATION_PATH
    moves[ending] = str(place.termination)
    return tuple(sorted(moves.items(), key=lambda move: len(move[0]), reverse=True))


def _mounts(container: Mapping[str, Any], place: Place) -> Iterator[tuple[str, str]]:
    for mount in container.get("volumeMounts") or ():
        target = place.volume(mount["name"])
        if mount.get("subPath"):
            target /= mount["subPath"]
        yield mount["mountPath"].rstrip("/") or "/", str(target)


def _moved(text: str, moves: Moves) -> str:
    for path, directory in moves:
        if text == path or text.startswith(f"{path.rstrip('/')}/"):
            return f"{directory}{text[len(path.rstrip('/')) :]}"
    return text


def _moved_argument(word: str, moves: Moves) -> str:
    moved = _moved(word, moves)
    if moved != word or not word.startswith("-"):
        return moved
    flag, equals, value = word.partition("=")
    return f"{flag}{equals}{_moved(value, moves)}"
