from matchfleet_client import cli, options
from matchfleet_local.demo import match


def test_the_client_is_asked_for_json_with_its_own_options() -> None:
    words = match.command("http://here", queue="airhockey/blitz")
    assert words[:3] == ("-m", "matchfleet_client", "play")
    assert "--json" in words
    assert options.round_trips(words[words.index("--region-rtt") + 1]) == {"eu": 20, "us": 90}
    assert cli.app.info.help
