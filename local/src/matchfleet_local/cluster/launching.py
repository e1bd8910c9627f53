"""How a container becomes a process: its command, environment, files and addresses. Pure.

A process shares the machine's file system, so there are no mounts. Every volume is a directory of
the pod, and each value that begins with a mountPath (an env value, an argument, or what follows
`=` in an argument) is rewritten to begin with that directory. The termination file is reached the
same way, and always through `MATCHFLEET_TERMINATION_LOG`.
"""

import base64
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from matchfleet_local.cluster import podspec

TERMINATION_ENV = "MATCHFLEET_TERMINATION_LOG"
_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")

Files = dict[str, bytes]


class NotReady(Exception):
    """The container cannot be started as things are.

    Attributes:
        reason: the waiting reason to report.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Lookup(Protocol):
    """Reads the configuration objects of the pod's namespace."""

    def config_map(self, name: str) -> Mapping[str, Any] | None:
        """The ConfigMap, or None."""

    def secret(self, name: str) -> Mapping[str, Any] | None:
        """The Secret, or None."""


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
    volumes: dict[str, Files]


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


def launch(pod: Mapping[str, Any], images: Images, *, lookup: Lookup, place: Place) -> Launch:
    """How to start the pod's first container.

    Raises:
        NotReady: a command, config map, secret or field is missing.
    """
    container = pod["spec"]["containers"][0]
    volumes = files(pod, lookup=lookup)
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
        volumes=volumes,
    )


def _command(container: Mapping[str, Any], images: Images, env: Mapping[str, str]) -> list[str]:
    args = [expand(arg, env) for arg in container.get("args") or ()]
    if container.get("command"):
        return [*(expand(word, env) for word in container["command"]), *args]
    command = _of_image(container["image"], images)
    if command is None:
        raise NotReady(
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
    pod: Mapping[str, Any], container: Mapping[str, Any], lookup: Lookup, place: Place
) -> dict[str, str]:
    env: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        env |= _env_from(source, lookup)
    for entry in container.get("env") or ():
        value = _env_value(entry, pod, lookup, place)
        if value is not None:
            env[entry["name"]] = expand(value, env) if "value" in entry else value
    return env


def _env_from(source: Mapping[str, Any], lookup: Lookup) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    if "configMapRef" in source:
        found = _config_map(source["configMapRef"], lookup)
        return {f"{prefix}{key}": value for key, value in _texts(found).items()}
    found = _secret(source["secretRef"], lookup)
    return {f"{prefix}{key}": value.decode() for key, value in _secret_data(found).items()}


def _env_value(
    entry: Mapping[str, Any], pod: Mapping[str, Any], lookup: Lookup, place: Place
) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return str(entry.get("value", ""))
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"], address=place.address)
    if "configMapKeyRef" in source:
        ref = source["configMapKeyRef"]
        text = _texts(_config_map(ref, lookup)).get(ref["key"])
        return _present(text, ref, "configmap")
    if "secretKeyRef" in source:
        ref = source["secretKeyRef"]
        data = _secret_data(_secret(ref, lookup)).get(ref["key"])
        return _present(None if data is None else data.decode(), ref, "secret")
    raise NotReady(
        "CreateContainerConfigError", f"env {entry['name']}: {', '.join(source)} is not known here"
    )


def _present(value: str | None, ref: Mapping[str, Any], what: str) -> str | None:
    if value is None and not ref.get("optional"):
        raise NotReady(
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


def field(pod: Mapping[str, Any], path: str, *, address: str) -> str:
    """The text of a field of the downward API.

    Raises:
        NotReady: a path that the downward API does not have.
    """
    meta = pod["metadata"]
    fixed = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", ""),
        "status.podIP": address,
        "status.podIPs": address,
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
        "metadata.labels": _pairs(meta.get("labels") or {}),
        "metadata.annotations": _pairs(meta.get("annotations") or {}),
    }
    if path in fixed:
        return str(fixed[path])
    if subscript := _SUBSCRIPT.fullmatch(path):
        return str((meta.get(subscript[1]) or {}).get(subscript[2], ""))
    raise NotReady("CreateContainerConfigError", f"field path not supported: {path}")


def _pairs(values: Mapping[str, str]) -> str:
    return "\n".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items())
    )


# ---- volumes --------------------------------------------------------------------------------


def files(pod: Mapping[str, Any], *, lookup: Lookup) -> dict[str, Files]:
    """The files of every volume of a pod.

    Raises:
        NotReady: a config map or secret is missing, or a volume is of an unknown kind.
    """
    return {
        volume["name"]: _volume_files(volume, pod, lookup)
        for volume in pod["spec"].get("volumes") or ()
    }


def _volume_files(volume: Mapping[str, Any], pod: Mapping[str, Any], lookup: Lookup) -> Files:
    if "projected" in volume:
        result: Files = {}
        for source in volume["projected"].get("sources") or ():
            result |= _source_files(source, pod, lookup)
        return result
    return _source_files(volume, pod, lookup)


def _source_files(source: Mapping[str, Any], pod: Mapping[str, Any], lookup: Lookup) -> Files:
    if "configMap" in source:
        return _picked(_all_bytes(_config_map(source["configMap"], lookup)), source["configMap"])
    if "secret" in source:
        return _picked(_secret_data(_secret(source["secret"], lookup)), source["secret"])
    if "downwardAPI" in source:
        return {
            item["path"]: field(pod, item["fieldRef"]["fieldPath"], address="").encode()
            for item in source["downwardAPI"].get("items") or ()
        }
    if "emptyDir" in source or "serviceAccountToken" in source:
        return {}
    kinds = ", ".join(key for key in source if key != "name") or "nothing"
    raise NotReady("CreateContainerConfigError", f"volumes of {kinds} are not known here")


def _picked(data: Mapping[str, bytes], source: Mapping[str, Any]) -> Files:
    items = source.get("items")
    if not items:
        return dict(data)
    missing = [item["key"] for item in items if item["key"] not in data]
    if missing and not source.get("optional"):
        raise NotReady(
            "ContainerCreating", f"references non-existent config key: {', '.join(missing)}"
        )
    return {item["path"]: data[item["key"]] for item in items if item["key"] in data}


def _config_map(ref: Mapping[str, Any], lookup: Lookup) -> Mapping[str, Any]:
    return _found(lookup.config_map(ref["name"]), ref, f'configmap "{ref["name"]}"')


def _secret(ref: Mapping[str, Any], lookup: Lookup) -> Mapping[str, Any]:
    # A volume says `secretName`, every other reference says `name`.
    name = ref.get("secretName") or ref["name"]
    return _found(lookup.secret(name), ref, f'secret "{name}"')


def _found(obj: Mapping[str, Any] | None, ref: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    if obj is None and not ref.get("optional"):
        raise NotReady("CreateContainerConfigError", f"{what} not found")
    return obj or {}


def _texts(config_map: Mapping[str, Any]) -> dict[str, str]:
    return dict(config_map.get("data") or {})


def _all_bytes(config_map: Mapping[str, Any]) -> dict[str, bytes]:
    binary = {k: base64.b64decode(v) for k, v in (config_map.get("binaryData") or {}).items()}
    return {key: value.encode() for key, value in _texts(config_map).items()} | binary


def _secret_data(secret: Mapping[str, Any]) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


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
