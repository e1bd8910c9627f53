import os

import pytest
from typer import testing

from matchfleet_client import cli, errors

RUNNER = testing.CliRunner()


@pytest.mark.parametrize(
    "command",
    ["play", "audit", "queues", "leaderboard", "player", "matches", "match", "fleet status"],
)
def test_every_command_can_speak_json(command: str) -> None:
    shown = RUNNER.invoke(
        cli.app, [*command.split(), "--help"], env={**os.environ, "COLUMNS": "200"}
    )
    assert shown.exit_code == 0
    assert "--json" in shown.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Unreachable("http://x", "refused"), 2),
        (errors.NoPolicy("choose another"), 2),
        (errors.KubectlMissing("kubectl"), 2),
        (errors.KubectlFailed("no such cluster"), 2),
        (errors.MatchLost("m", state="failed", reason="ServerLost", message=""), 1),
        (errors.OutOfTime("a match", 5), 1),
    ],
)
def test_an_error_is_a_sentence_and_an_exit_code(
    error: errors.ClientError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def app() -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == f"matchfleet: {error}\n"


def test_a_wrong_queue_is_refused_before_anything_is_asked() -> None:
    result = RUNNER.invoke(cli.app, ["play", "--queue", "airhockey"])
    assert result.exit_code == 2
    assert "GAME/MODE" in result.output
