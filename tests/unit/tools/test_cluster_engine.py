"""An engine that answers is used; ours is started only by root, after sweeping what died."""

from pathlib import Path

import pytest

from tools.cluster import engine, errors, machine


def test_an_engine_that_answers_is_used_as_it_is() -> None:
    assert engine.plan(engine.EngineState(answers=True, is_root=False)) == ()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (engine.EngineState(answers=False, is_root=False), "start Docker"),
        (engine.EngineState(answers=False, is_root=True, address_is_set=True), "DOCKER_HOST"),
        (engine.EngineState(answers=False, is_root=True, foreign=71), "pid 71"),
    ],
)
def test_what_we_cannot_mend_is_said(state: engine.EngineState, sentence: str) -> None:
    with pytest.raises(errors.MissingPrerequisite, match=sentence):
        engine.plan(state)


def test_root_without_an_engine_installs_and_starts_one() -> None:
    state = engine.EngineState(answers=False, is_root=True, has_programs=False)
    assert engine.plan(state) == (engine.InstallEngine(), engine.StartEngine())


def test_what_a_dead_engine_left_is_swept_before_the_start() -> None:
    socket = Path("/run/containerd/containerd.sock")
    state = engine.EngineState(answers=False, is_root=True, mute=(12, 13), stale=(socket,))
    assert engine.plan(state) == (
        engine.EndProcess(12),
        engine.EndProcess(13),
        engine.RemoveFile(socket),
        engine.StartEngine(),
    )


@pytest.mark.parametrize(
    ("bounding_set", "shimmed"),
    [(0x1FFFEFFFFFF, True), (0x1FFFFFFFFFF, False), (0x3FFFFFFFFF, False), (0, True)],
)
def test_the_shim_is_for_root_without_one_capability(bounding_set: int, shimmed: bool) -> None:
    config = engine.daemon_config(bounding_set, shim=Path("/state/runc-bounded"))
    assert ("default-runtime" in config) is shimmed
    assert machine.has_sys_resource(bounding_set) is not shimmed


def test_a_pid_file_counts_only_while_its_process_is_the_one_meant(tmp_path: Path) -> None:
    home = engine.EnginePlaces(state=tmp_path, runtime=tmp_path)
    assert engine.own_pid(home) is None
    # Pid 1 lives, but is no dockerd of ours.
    home.pid_file.write_text("1")
    assert engine.own_pid(home) is None
    home.pid_file.write_text("not a number")
    assert engine.own_pid(home) is None
