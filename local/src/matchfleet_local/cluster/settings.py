"""Every setting of the cluster process, from flags or `MATCHFLEET_CLUSTER_*` variables."""

from pathlib import Path

import pydantic
import pydantic_settings


class Settings(pydantic_settings.BaseSettings):
    """A Kubernetes API in memory, with pods as child processes."""

    model_config = pydantic_settings.SettingsConfigDict(
        env_prefix="MATCHFLEET_CLUSTER_",
        cli_prog_name="python -m matchfleet_local.cluster",
        cli_kebab_case=True,
    )

    dir: Path = pydantic.Field(description="private directory: kubeconfig, pod files and logs")
    port: int = pydantic.Field(0, ge=0, le=65535, description="API port; 0 takes a free one")
    host: str = pydantic.Field("127.0.0.1", description="API address")
    crds: Path | None = pydantic.Field(None, description="folder of CustomResourceDefinitions")
    image: list[str] = pydantic.Field(
        default_factory=list,
        description="NAME=COMMAND...: what an image without a command runs; may be repeated",
    )
    context: str = pydantic.Field("matchfleet-local", description="name in the kubeconfig")
    history_changes: int = pydantic.Field(
        4096, ge=1, description="changes kept per kind for watches that resume"
    )
    bookmark_every_s: float = pydantic.Field(15.0, gt=0, description="idle time to a bookmark")
    events_kept_s: float = pydantic.Field(3600.0, gt=0, description="age at which Events go")
    stop_within_s: float = pydantic.Field(5.0, ge=0, description="time for all pods to end")
    kept_logs: int = pydantic.Field(100, ge=0, description="gone pods whose log is kept")
