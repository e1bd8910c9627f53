"""Bots over gRPC: the rule policies of our games, for any game server that asks.

serving    the gRPC server and its health service           __main__ builds it from settings
service    answers `Act`: one action for each observation
catalogue  which games it plays, and with which policies
"""
