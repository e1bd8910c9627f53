"""The worked example in docs/protocol.md is what the code sends and understands."""

import re
from pathlib import Path

from matchfleet_contracts import wire
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.wire import codec

DOCUMENT = Path(__file__).parents[4] / "docs" / "protocol.md"
LINE = re.compile(r"^([CS]) ([A-Z]+) +((?:[0-9a-f]{2} ?)+)$", re.MULTILINE)


def _example() -> dict[str, tuple[str, bytes]]:
    found = LINE.findall(DOCUMENT.read_text())
    return {name: (side, bytes.fromhex(text)) for side, name, text in found}


def test_every_frame_of_the_protocol_has_an_example_that_encodes_to_itself() -> None:
    example = _example()
    frames: set[str] = set()
    for name, (side, raw) in example.items():
        if side == "C":
            client = codec.decode_client(raw)
            frames.add(type(client).__name__.upper())
            assert codec.encode_client(client) == raw, name
        else:
            server = codec.decode_server(raw)
            frames.add(type(server).__name__.upper())
            assert codec.encode_server(server) == raw, name
    assert frames == set(example)
    kinds = wire.ClientFrame.__args__ + wire.ServerFrame.__args__
    assert frames == {kind.__name__.upper() for kind in kinds}


def test_both_halves_play_the_example_through() -> None:
    client, server = wire.ClientConnection(), wire.ServerConnection()
    example = _example()
    for name, (side, raw) in example.items():
        if name in {"ERROR", "LEAVE"}:
            continue
        if side == "C":
            assert isinstance(server.receive(raw), wire.ClientFrame), name
        else:
            frame = codec.decode_server(raw)
            if isinstance(frame, wire.Welcome):
                assert server.admit(frame) == raw
            if name == "FULL":
                client.sent_seq = server.last_seq
            client.receive(raw)
    assert client.welcome is not None
    assert (client.welcome.seat, client.tick, client.ack_seq) == (1, 2, 1)
    assert server.last_seq == 2


def test_the_example_holds_inputs_and_a_view_of_air_hockey() -> None:
    example = _example()
    inputs = codec.decode_client(example["INPUT"][1])
    assert isinstance(inputs, wire.Input)
    parsed = [airhockey.parse_input(raw) for raw in inputs.inputs]
    assert parsed == [airhockey.Move(1), airhockey.Aim(-1600, 8000)]
    full = codec.decode_server(example["FULL"][1])
    assert isinstance(full, wire.Full)
    view = airhockey.decode_view(full.view)
    assert (view.tick, view.ticks_left, view.puck.y) == (2, 1198, 250.0)


def test_every_close_code_is_documented_under_its_number_and_name() -> None:
    text = DOCUMENT.read_text()
    assert [code for code in wire.CloseCode if f"| {code:d} | {code.name} |" not in text] == []
    assert [int(code) for code in wire.CloseCode] == list(range(4000, 4013))
