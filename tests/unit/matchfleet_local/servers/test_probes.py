"""The first words spoken to a server are well formed."""

import struct

from matchfleet_local.servers import probes


def test_postgresqls_hello_states_its_own_length_and_the_protocol() -> None:
    hello = probes.postgres_hello("matchfleet", "postgres")
    length, version = struct.unpack_from("!ii", hello)
    assert length == len(hello)
    assert version == 196608  # 3.0, as the protocol's chapter on message formats has it
    assert hello[8:] == b"user\0matchfleet\0database\0postgres\0\0"
