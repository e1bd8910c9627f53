"""What a process can get wrong about its own telemetry.

TelemetryError
 +-- MetricMisnamed     a metric's name breaks the conventions of `metrics`
 +-- LogSettingUnknown  a log level or format that does not exist
"""


class TelemetryError(Exception):
    """Root of this package's errors."""


class MetricMisnamed(TelemetryError):
    """A metric's name breaks the conventions; the message says which one."""


class LogSettingUnknown(TelemetryError):
    """A log level or format that does not exist; the message names those that do."""
