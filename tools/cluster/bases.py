"""What our images stand on: the official image where it can be pulled, else bootstrapped Debian.

Both carry the same software (CPython 3.13, PostgreSQL 17, Redis 8, RabbitMQ 4.0, nginx), and each
Dockerfile installs only what its base lacks.
"""

import enum
import os

from tools.cluster import debian, docker, places, registry


class Ground(enum.Enum):
    """A kind of base, with the official image for it."""

    PYTHON = "python:3.13-slim-trixie"
    POSTGRES = "postgres:17-trixie"
    REDIS = "redis:8.0-bookworm"
    RABBITMQ = "rabbitmq:4.0"
    NGINX = "nginx:1.28-bookworm"
    NOTHING = "scratch"
    """For a static program: Docker's own name for an empty image."""


def resolve(ground: Ground, *, where: places.Places) -> str:
    """The image to build on, present in the engine.

    MATCHFLEET_BASE_IMAGE names one for everything, as a private mirror of Debian trixie.
    """
    if ground is Ground.NOTHING:
        return str(ground.value)
    chosen = os.environ.get("MATCHFLEET_BASE_IMAGE")
    if chosen:
        return chosen
    official = str(ground.value)
    if registry.answers(where) and (docker.has_image(official) or docker.pull(official)):
        return official
    return debian.ensure_image(where)
