"""Make sure that the wanted servers can be run from here: found, installed, or as containers."""

import os
from pathlib import Path

from matchfleet_local.servers import containers, errors, install, packages


def find_or_install(
    wanted: tuple[packages.ServerName, ...], *, announce: install.Announce
) -> packages.Installed | packages.UseContainers:
    """Where the wanted servers come from, installed or pulled first when that may be.

    Raises:
        ServersMissing: they are not here and cannot be had.
        InstallFailed: the package tool refused.
    """
    found = packages.find(wanted)
    can_install = os.geteuid() == 0 and packages.is_debian(_os_release())
    docker = None if can_install or len(found) == len(wanted) else containers.find_docker()
    plan = packages.plan(wanted, found, can_install=can_install, has_docker=docker is not None)
    match plan:
        case packages.Installed():
            return plan
        case packages.Install(names):
            install.install(names, announce=announce)
            again = packages.find(wanted)
            if lacking := [name for name in wanted if name not in again]:
                remedy = f"Installing {', '.join(names)} did not bring them; install them by hand."
                raise errors.ServersMissing(lacking, remedy)
            return packages.Installed(again)
        case packages.UseContainers(_, contained):
            announce(f"running {', '.join(contained)} as containers")
            for name in contained:
                if docker is None or not containers.ensure_image(docker, containers.OFFICIAL[name]):
                    image = containers.OFFICIAL[name].reference
                    remedy = f"Docker answers but cannot pull {image}. "
                    raise errors.ServersMissing(contained, remedy + packages.remedy(contained))
            return plan
        case packages.Refuse(missing, remedy):
            raise errors.ServersMissing(missing, remedy)


def _os_release() -> str:
    path = Path("/etc/os-release")
    return path.read_text(encoding="utf-8") if path.exists() else ""
