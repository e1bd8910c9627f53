"""Bots over gRPC."""
