"""What a write may ask to be true before it is carried out. Pure."""

from typing import Any

from matchfleet_local.cluster import errors, requests
from matchfleet_local.cluster.kinds import Kind
from matchfleet_local.cluster.requests import Ref


def check(ref: Ref, old: dict[str, Any], *, uid: str, version: str) -> None:
    """Refuse an update of another object or of an older version; empty texts ask nothing.

    Raises:
        Conflict: uid or version differ.
    """
    meta = old["metadata"]
    prefix = f'Operation cannot be fulfilled on {ref.kind.resource} "{ref.name}": '
    if uid and uid != meta["uid"]:
        raise errors.Conflict(
            f"{prefix}Precondition failed: UID in precondition: {uid}, UID in object meta: "
            f"{meta['uid']}",
            details=ref.details,
        )
    if version and version != meta["resourceVersion"]:
        raise errors.Conflict(
            f"{prefix}the object has been modified; please apply your changes to the latest "
            "version and try again",
            details=ref.details,
        )


def unknown_fields(
    kind: Kind, unknown: tuple[str, ...], options: requests.WriteOptions
) -> tuple[str, ...]:
    """The warnings for dropped fields.

    Raises:
        BadRequest: the client asked for strictness.
    """
    if not unknown or options.field_validation is requests.FieldValidation.IGNORE:
        return ()
    told = tuple(f'unknown field "{path}"' for path in unknown)
    if options.field_validation is requests.FieldValidation.STRICT:
        raise errors.BadRequest(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: strict '
            f"decoding error: {', '.join(told)}"
        )
    return told
