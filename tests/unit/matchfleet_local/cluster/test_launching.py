"""A container becomes a command, an environment and files, or says what is missing."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import configuration, launching

PLACE = launching.Place(Path("/pods/p"), "127.64.0.1", {"PATH": "/bin"})
IMAGES = launching.read_images(["matchfleet/gameserver=python -m matchfleet_gameserver"])


class Book:
    """Configuration held in two dictionaries."""

    def __init__(self, **maps: Mapping[str, str]) -> None:
        self._maps = maps

    def config_map(self, name: str) -> Mapping[str, Any] | None:
        return {"data": self._maps[name]} if name in self._maps else None

    def secret(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._maps:
            return None
        coded = {k: base64.b64encode(v.encode()).decode() for k, v in self._maps[name].items()}
        return {"data": coded}


BOOK = Book(words={"one": "1", "two": "2"})


def launched(container: dict[str, Any], *, book: Book = BOOK, **spec: Any) -> launching.Launch:
    pod = {
        "metadata": {
            "name": "p",
            "namespace": "x",
            "uid": "u",
            "labels": {"app": "game", "a.b/c": "d"},
        },
        "spec": {
            "nodeName": "local",
            "containers": [{"name": "main", "image": "i", "command": ["run"], **container}],
            **spec,
        },
    }
    return launching.launch(pod, IMAGES, lookup=book, place=PLACE)


def field(path: str) -> dict[str, Any]:
    return {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": path}}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "x"),
        ("metadata.uid", "u"),
        ("metadata.labels['app']", "game"),
        ("metadata.labels['a.b/c']", "d"),
        ("metadata.annotations['none']", ""),
        ("spec.nodeName", "local"),
        ("status.podIP", "127.64.0.1"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_fields_of_the_downward_api(path: str, value: str) -> None:
    assert launched({"env": [field(path)]}).env["F"] == value


@pytest.mark.parametrize(
    ("image", "argv"),
    [
        ("matchfleet/gameserver", ["python", "-m", "matchfleet_gameserver", "x"]),
        ("matchfleet/gameserver:1.2", ["python", "-m", "matchfleet_gameserver", "x"]),
        ("host:5000/matchfleet/gameserver:1", ["python", "-m", "matchfleet_gameserver", "x"]),
        ("host/matchfleet/gameserver@sha256:0", ["python", "-m", "matchfleet_gameserver", "x"]),
    ],
)
def test_an_image_brings_its_command(image: str, argv: list[str]) -> None:
    made = launched({"image": image, "command": None, "args": ["x"]})
    assert list(made.argv) == argv


def test_a_command_wins_over_the_image() -> None:
    made = launched({"image": "matchfleet/gameserver", "command": ["a"], "args": ["b"]})
    assert made.argv == ("a", "b")


@pytest.mark.parametrize("option", ["", "=python", "name=", "name"])
def test_a_mapping_without_name_or_command_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match="NAME=COMMAND"):
        launching.read_images([option])


def test_variables_expand_in_order_and_in_arguments() -> None:
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$(C)-$$(A)"},
        {"name": "C", "value": "3"},
    ]
    made = launched({"env": env, "args": ["$(B)", "$(NONE)"]})
    assert made.env["B"] == "1-$(C)-$(A)"
    assert made.argv == ("run", "1-$(C)-$(A)", "$(NONE)")


@given(text=st.text("$()AB ", max_size=12))
def test_expansion_leaves_text_without_references_alone(text: str) -> None:
    expanded = launching.expand(text, {})
    if "$$" not in text:
        assert expanded == text


def test_configuration_reaches_the_environment() -> None:
    env = [
        {"name": "M", "valueFrom": {"configMapKeyRef": {"name": "words", "key": "one"}}},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "words", "key": "two"}}},
        {
            "name": "O",
            "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}},
        },
    ]
    sources = [{"prefix": "P_", "configMapRef": {"name": "words"}}]
    made = launched({"env": env, "envFrom": sources}).env
    assert (made["M"], made["S"], made["P_one"], "O" in made) == ("1", "2", "1", False)


def test_a_process_inherits_what_it_is_given_and_no_more() -> None:
    made = launched({}).env
    assert made == {
        "PATH": "/bin",
        "HOME": "/pods/p/work",
        "HOSTNAME": "p",
        "MATCHFLEET_TERMINATION_LOG": "/pods/p/termination-log",
    }


def test_mount_paths_become_directories_of_the_pod() -> None:
    mounts = [
        {"name": "a", "mountPath": "/data"},
        {"name": "b", "mountPath": "/data/inner/"},
        {"name": "c", "mountPath": "/sub", "subPath": "x"},
    ]
    made = launched(
        {
            "volumeMounts": mounts,
            "env": [
                {"name": "A", "value": "/data/f"},
                {"name": "B", "value": "/data/inner/f"},
                {"name": "C", "value": "/database"},
                {"name": "D", "value": "see /data"},
                {"name": "E", "value": "/sub/f"},
                {"name": "T", "value": "/dev/termination-log"},
            ],
            "args": ["/data", "--file=/data/inner", "key=/data"],
            "workingDir": "/data",
        },
        volumes=[{"name": name, "emptyDir": {}} for name in "abc"],
    )
    assert made.env["A"] == "/pods/p/volumes/a/f"
    assert made.env["B"] == "/pods/p/volumes/b/f"
    assert made.env["C"] == "/database"
    assert made.env["D"] == "see /data"
    assert made.env["E"] == "/pods/p/volumes/c/x/f"
    assert made.env["T"] == "/pods/p/termination-log"
    assert made.argv[1:] == ("/pods/p/volumes/a", "--file=/pods/p/volumes/b", "key=/data")
    assert made.cwd == Path("/pods/p/volumes/a")
    assert made.volumes == {"a": {}, "b": {}, "c": {}}


def test_volumes_hold_what_they_name() -> None:
    volumes = [
        {"name": "m", "configMap": {"name": "words"}},
        {"name": "i", "configMap": {"name": "words", "items": [{"key": "one", "path": "d/1"}]}},
        {"name": "s", "secret": {"secretName": "words"}},
        {"name": "o", "secret": {"secretName": "none", "optional": True}},
        {
            "name": "p",
            "projected": {
                "sources": [
                    {"configMap": {"name": "words", "items": [{"key": "two", "path": "two"}]}},
                    {
                        "downwardAPI": {
                            "items": [
                                {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
                            ]
                        }
                    },
                ]
            },
        },
    ]
    assert launched({}, volumes=volumes).volumes == {
        "m": {"one": b"1", "two": b"2"},
        "i": {"d/1": b"1"},
        "s": {"one": b"1", "two": b"2"},
        "o": {},
        "p": {"two": b"2", "labels": b'a.b/c="d"\napp="game"'},
    }


@pytest.mark.parametrize(
    ("container", "spec", "reason", "said"),
    [
        ({"command": None}, {}, "CreateContainerError", "--image i=COMMAND"),
        (
            {"env": [field("status.none")]},
            {},
            "CreateContainerConfigError",
            "field path not supported",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "x"}}}]},
            {},
            "CreateContainerConfigError",
            "resourceFieldRef",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "words", "key": "no"}}}]},
            {},
            "CreateContainerConfigError",
            "couldn't find key no in secret words",
        ),
        (
            {"envFrom": [{"secretRef": {"name": "none"}}]},
            {},
            "CreateContainerConfigError",
            'secret "none" not found',
        ),
        (
            {},
            {"volumes": [{"name": "v", "configMap": {"name": "none"}}]},
            "CreateContainerConfigError",
            'configmap "none" not found',
        ),
        (
            {},
            {
                "volumes": [
                    {
                        "name": "v",
                        "configMap": {"name": "words", "items": [{"key": "no", "path": "p"}]},
                    }
                ]
            },
            "ContainerCreating",
            "non-existent config key: no",
        ),
        (
            {},
            {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
            "CreateContainerConfigError",
            "volumes of hostPath",
        ),
    ],
)
def test_what_is_missing_is_named(
    container: dict[str, Any], spec: dict[str, Any], reason: str, said: str
) -> None:
    with pytest.raises(configuration.NotReady, match=said) as refusal:
        launched(container, **spec)
    assert refusal.value.reason == reason
