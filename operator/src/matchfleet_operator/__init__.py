"""The kopf operator: Match and Fleet resources become game server pods."""
