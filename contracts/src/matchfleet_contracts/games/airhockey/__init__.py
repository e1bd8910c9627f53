"""Air hockey: two mallets, one puck, 60 ticks a second.

    table         the table's measures and the laws of motion
    config        the parameters of a match
    inputs        what a player sends each tick
    views         what a player sees of the table
    observations  what a policy sees, from its own side of the table
    policies      nine actions, and rule bots of three strengths

A player's program decodes a view, and either aims by hand or lets a policy act:

    view = airhockey.decode_view(full.view)
    action = airhockey.rule_policy(airhockey.observe(view, seat), airhockey.Skill.STRONG)
    raw = airhockey.encode_input(airhockey.input_of(action, seat))
"""

from matchfleet_contracts.games.airhockey.config import Config, parse_config
from matchfleet_contracts.games.airhockey.inputs import (
    INPUT_BYTES,
    Aim,
    Input,
    Move,
    encode_input,
    parse_input,
)
from matchfleet_contracts.games.airhockey.observations import FIELDS, observe
from matchfleet_contracts.games.airhockey.policies import ACTIONS, Skill, input_of, rule_policy
from matchfleet_contracts.games.airhockey.table import GAME, SNAPSHOT_HZ, TICK_HZ
from matchfleet_contracts.games.airhockey.views import (
    VIEW_BYTES,
    Body,
    Stage,
    View,
    decode_view,
    encode_view,
)

__all__ = [
    "ACTIONS",
    "FIELDS",
    "GAME",
    "INPUT_BYTES",
    "SNAPSHOT_HZ",
    "TICK_HZ",
    "VIEW_BYTES",
    "Aim",
    "Body",
    "Config",
    "Input",
    "Move",
    "Skill",
    "Stage",
    "View",
    "decode_view",
    "encode_input",
    "encode_view",
    "input_of",
    "observe",
    "parse_config",
    "parse_input",
    "rule_policy",
]
