"""The files of each volume of a pod, as a value: names and bytes. Pure."""

from collections.abc import Mapping
from typing import Any

from matchfleet_local.cluster import configuration

Files = dict[str, bytes]


def files(pod: Mapping[str, Any], *, lookup: configuration.Lookup) -> dict[str, Files]:
    """The files of every volume of a pod.

    Raises:
        configuration.NotReady: a config map or secret is missing, or a volume's kind is unknown.
    """
    return {
        volume["name"]: _volume_files(volume, pod, lookup)
        for volume in pod["spec"].get("volumes") or ()
    }


def _volume_files(
    volume: Mapping[str, Any], pod: Mapping[str, Any], lookup: configuration.Lookup
) -> Files:
    if "projected" in volume:
        result: Files = {}
        for source in volume["projected"].get("sources") or ():
            result |= _source_files(source, pod, lookup)
        return result
    return _source_files(volume, pod, lookup)


def _source_files(
    source: Mapping[str, Any], pod: Mapping[str, Any], lookup: configuration.Lookup
) -> Files:
    if "configMap" in source:
        return _picked(
            configuration.all_bytes(configuration.config_map(source["configMap"], lookup)),
            source["configMap"],
        )
    if "secret" in source:
        return _picked(
            configuration.secret_data(configuration.secret(source["secret"], lookup)),
            source["secret"],
        )
    if "downwardAPI" in source:
        return {
            item["path"]: configuration.field(
                pod, item["fieldRef"]["fieldPath"], address=""
            ).encode()
            for item in source["downwardAPI"].get("items") or ()
        }
    if "emptyDir" in source or "serviceAccountToken" in source:
        return {}
    kinds = ", ".join(key for key in source if key != "name") or "nothing"
    raise configuration.NotReady(
        "CreateContainerConfigError", f"volumes of {kinds} are not known here"
    )


def _picked(data: Mapping[str, bytes], source: Mapping[str, Any]) -> Files:
    items = source.get("items")
    if not items:
        return dict(data)
    missing = [item["key"] for item in items if item["key"] not in data]
    if missing and not source.get("optional"):
        raise configuration.NotReady(
            "ContainerCreating", f"references non-existent config key: {', '.join(missing)}"
        )
    return {item["path"]: data[item["key"]] for item in items if item["key"] in data}
