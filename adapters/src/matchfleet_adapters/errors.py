"""What can go wrong between us and a store, told in our own words.

AdapterError
 +-- Unavailable        a store does not answer, or not in time; the same call may work later
 +-- SchemaNotReady     PostgreSQL does not have the tables this code needs
 +-- MigrationChanged   a migration that was applied reads differently now
 +-- ResourceExists     Kubernetes has an object of that name already
 +-- ResourceGone       Kubernetes has no such object, or another incarnation of it
 +-- ResourceConflict   an object changed since it was read
 +-- ResourceRefused    Kubernetes says that the object is not valid
 +-- PublishFailed      the broker did not confirm an event; the same event may be published again
 +-- NotYet             a message comes too early to be handled; the same message may pass later
 +-- Poison             a message can never be handled, whatever is tried
"""


class AdapterError(Exception):
    """Root of this package's errors."""


class Unavailable(AdapterError):
    """A store does not answer, or not in time; the same call may work later."""

    def __init__(self, *, store: str, detail: str) -> None:
        self.store = store
        self.detail = detail
        super().__init__(f"{store} does not answer: {detail}")


class SchemaNotReady(AdapterError):
    """PostgreSQL does not have the tables this code needs."""

    def __init__(self, *, found: int, wanted: int) -> None:
        self.found = found
        self.wanted = wanted
        super().__init__(
            f"the schema is at version {found} and version {wanted} is needed: "
            "run `python -m matchfleet_api migrate`"
        )


class MigrationChanged(AdapterError):
    """A migration that was applied reads differently now."""

    def __init__(self, *, version: int, name: str) -> None:
        self.version = version
        self.name = name
        super().__init__(
            f"migration {version:04d}_{name} was applied with another text: "
            "restore the file and write the change as a new migration"
        )


class ResourceExists(AdapterError):
    """Kubernetes has an object of that name already."""


class ResourceGone(AdapterError):
    """Kubernetes has no such object, or another incarnation of it."""


class ResourceConflict(AdapterError):
    """An object changed since it was read."""


class ResourceRefused(AdapterError):
    """Kubernetes says that the object is not valid, or not allowed; its reason is the message."""


class PublishFailed(AdapterError):
    """The broker did not confirm an event; it may have it all the same, so publish it again."""

    def __init__(self, *, event_id: str, detail: str) -> None:
        self.event_id = event_id
        self.detail = detail
        super().__init__(f"event {event_id} was not confirmed: {detail}")


class NotYet(AdapterError):
    """A message comes too early to be handled; the same message may pass later."""


class Poison(AdapterError):
    """A message can never be handled, whatever is tried; it is kept aside with this reason."""
