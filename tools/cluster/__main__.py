"""The verbs: `python3 -m tools.cluster VERB`, or `python3 tools/cluster VERB`, from the root."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

if __package__ in {None, ""}:
    # Started as a folder: the folder itself must not be where modules are looked for.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.cluster import (
    bases,
    binaries,
    clean,
    control_plane,
    doctor,
    engine,
    errors,
    images,
    locks,
    machine,
    node_image,
    places,
    ports,
    progress,
    records,
    up,
)

Verb = Callable[[argparse.Namespace, places.Places, progress.Reporter], int]


def main(argv: list[str] | None = None) -> int:
    """Runs one verb; 1 with a sentence when it cannot be done."""
    chosen = _parser().parse_args(argv)
    report = progress.to_terminal()
    try:
        with report.ticking():
            verb: Verb = chosen.verb
            return verb(chosen, places.own_places(), report)
    except errors.ClusterError as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the next run goes on from here", file=sys.stderr)
        return 130


def _doctor(chosen: argparse.Namespace, where: places.Places, _: progress.Reporter) -> int:
    found, around = machine.observe(where.cache), doctor.observe(where)
    findings = doctor.examine(found, around, demo=chosen.demo)
    minutes = f"about {doctor.minutes(found, around)} min until the cluster is up"
    estimate = "" if chosen.demo else f"expect {minutes}"
    print(doctor.render(findings, estimate).rstrip())
    return 0 if doctor.is_possible(findings) else 1


def _engine(chosen: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    if chosen.stop:
        if not chosen.force:
            clean.refuse_to_disturb(where)
        stopped = engine.stop(where)
        report.say("stopped our engine" if stopped else "no engine of ours runs")
        return 0
    ours = engine.ensure(where, report)
    report.say("a Docker engine answers" + (", started by us" if ours else ""))
    return 0


def _node_image(_: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    engine.ensure(where, report)
    with locks.held("build", where=where, report=report):
        image = node_image.choose(where)
        print(image.name if image.is_published else node_image.build(where, report))
    return 0


def _base_images(_: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    engine.ensure(where, report)
    with locks.held("build", where=where, report=report):
        for ground in bases.Ground:
            with report.step(f"base for {ground.name.lower()}"):
                print(f"{ground.name.lower()}: {bases.resolve(ground, where=where)}")
    return 0


def _images(chosen: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    recipes = images.chosen(chosen.only)
    engine.ensure(where, report)
    with locks.held("build", where=where, report=report):
        built = [images.build(recipe, where=where, report=report) for recipe in recipes]
        tags = [chosen.tag] if chosen.tag else [images.DEV_TAG, images.set_tag(built)]
        published = images.publish(built, registry=chosen.registry, tags=tags, push=chosen.push)
        for name in published:
            report.say(f"{'pushed' if chosen.push else 'tagged'} {name}")
    for one in built:
        print(one.reference)
    return 0


def _up(chosen: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    mapped = ports.ports_for(
        chosen.name,
        offset=chosen.port_offset,
        api=chosen.api_port,
        games=chosen.game_ports,
        gateway=chosen.gateway_port,
    )
    wish = up.Wish(name=chosen.name, mapped=mapped, with_images=not chosen.no_images)
    record = up.up(wish, where=where, report=report)
    report.say(f"cluster {record.name} is up: context {record.context}")
    return 0


def _down(chosen: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    clean.down(chosen.name, where=where, report=report)
    return 0


def _clean(chosen: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    clean.clean(where, report, force=chosen.force)
    return 0


def _info(chosen: argparse.Namespace, where: places.Places, _: progress.Reporter) -> int:
    record = records.read(chosen.name, where=where)
    if record is None:
        raise errors.ClusterError(
            f"cluster {chosen.name} is not up: `python3 -m tools.cluster up --name {chosen.name}`"
        )
    print(json.dumps(records.describe(record, where=where), indent=1))
    return 0


def _kube_binary(_: argparse.Namespace, where: places.Places, report: progress.Reporter) -> int:
    with locks.held("kube", where=where, report=report):
        if not binaries.cached(binaries.KUBE, where).exists():
            with report.step("compiling Kubernetes (once)"):
                binaries.ensure(binaries.KUBE, where=where)
        binaries.ensure(binaries.KUBE, where=where)
    print(where.node / binaries.KUBE.name)
    return 0


def _control_plane(
    chosen: argparse.Namespace, where: places.Places, report: progress.Reporter
) -> int:
    with locks.held("kube", where=where, report=report):
        kube = binaries.ensure(binaries.KUBE, where=where)
    control_plane.serve(chosen.dir or control_plane.default_folder(where.cache), kube=kube)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.cluster", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def add(name: str, verb: Verb, text: str) -> argparse.ArgumentParser:
        one = verbs.add_parser(name, help=text, description=text)
        one.set_defaults(verb=verb)
        return one

    one = add("doctor", _doctor, "what this machine has, what is missing, minutes to expect")
    one.add_argument("--demo", action="store_true", help="for local processes, not a cluster")
    stopping = add("engine", _engine, "make a Docker engine answer")
    stopping.add_argument("--stop", action="store_true", help="stop the one that we started")
    add("node-image", _node_image, "have the kind node image, and print its name")
    add("base-images", _base_images, "have what our images stand on, and print the names")
    _image_options(add("images", _images, "build our images, and print their names"))
    _up_options(add("up", _up, "engine, node image, cluster, images: all of it"))
    for name, verb, text in (
        ("down", _down, "remove a cluster, and stop our engine when it is idle"),
        ("info", _info, "how to reach a cluster that is up, as JSON"),
    ):
        add(name, verb, text).add_argument("--name", default="matchfleet")
    cleaning = add("clean", _clean, "remove everything that the project made")
    for one in (stopping, cleaning):
        one.add_argument("--force", action="store_true", help="even if others use our engine")
    add("kube-binary", _kube_binary, "have the Kubernetes program for tests, and print its path")
    one = add("control-plane", _control_plane, "run etcd and kube-apiserver until Ctrl-C")
    one.add_argument("--dir", type=Path, help="where its data and logs go")
    return parser


def _image_options(parser: argparse.ArgumentParser) -> None:
    registry, push = images.settings_from_environment()
    parser.add_argument("--only", action="append", default=[], help="one image; may be repeated")
    parser.add_argument("--registry", default=registry, help="prefix for the names (or REGISTRY)")
    parser.add_argument("--push", action="store_true", default=push, help="push them (or PUSH=1)")
    parser.add_argument("--tag", default="", help="the published tag (default: dev and a hash)")


def _up_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="matchfleet")
    parser.add_argument("--port-offset", type=int, help="added to the ports of `matchfleet`")
    parser.add_argument("--api-port", type=int, help="the API's port on loopback")
    parser.add_argument("--gateway-port", type=int, help="the gateway's port on loopback")
    parser.add_argument("--game-ports", help="the range for games, such as 7000-7019")
    parser.add_argument("--no-images", action="store_true", help="the bare cluster")


if __name__ == "__main__":
    sys.exit(main())
