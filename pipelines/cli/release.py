"""`silencio release …`: how a new bundle meets visitors (docs/releasing.md)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Commands = argparse._SubParsersAction

# What a release came to, for scripts; 1 is an error, 2 a command that is wrong.
EXIT_STATUSES = {"held": 3, "rolled_back": 4, "refused": 5, "aborted": 6, "superseded": 6}


def configure(parser: argparse.ArgumentParser) -> None:
    """Release a bundle: plan, start, watch, judge, take back."""
    commands = parser.add_subparsers(dest="command", required=True)
    plan = _place(commands.add_parser("plan", help="how long each step takes at today's traffic, and what it can see"))
    plan.add_argument("--policy", metavar="FILE", help="a policy of your own, or `small`; default: the one that ships")
    plan.add_argument("--sessions-per-hour", type=float, metavar="N", help="instead of what Prometheus has counted")
    plan.set_defaults(run=_later("plan"))
    _add_start(commands)
    status = _place(commands.add_parser("status", help="where it stands"))
    status.add_argument("--watch", action="store_true", help="again and again, until it is over")
    status.add_argument("--json", action="store_true", help="the whole record, for programs")
    status.set_defaults(run=_later("status"))
    _add_requests(commands)
    _add_auto(commands)
    _add_bootstrap(commands)
    report = _place(commands.add_parser("report", help="write the release's page: release.html and release.json"))
    report.add_argument("--out", required=True, type=Path, metavar="DIR", help="gets both files")
    report.add_argument("--release", metavar="ID", help="an earlier release; default: the last")
    report.add_argument("--recordings", type=Path, metavar="DIR", help="what was replayed, for spectrograms")
    report.set_defaults(run=_later("report"))


def _add_start(commands: Commands[argparse.ArgumentParser]) -> None:
    start = _place(commands.add_parser("start", help="offer a challenger; `auto` takes it from there"))
    start.add_argument("--challenger", type=Path, metavar="DIR", help="its bundle; default: that of `serve --canary`")
    start.add_argument("--replay", type=Path, metavar="FILE", help="a comparison of both bundles (step `replay`)")
    _offer(start)
    start.add_argument(
        "--accept-licence", default="", metavar="REASON", help="why a licence that asks for more is taken; it is kept"
    )
    start.add_argument("--again", action="store_true", help="a bundle that was rolled back or refused before")
    start.add_argument("--aa", action="store_true", help="champion against itself, to see that nothing is found")
    start.add_argument("--supersede", action="store_true", help="end a release that has not ended, and begin this one")
    start.add_argument("--by", metavar="NAME", help="who begins it; default: this account's name")
    start.set_defaults(run=_later("start"))


def _offer(parser: argparse.ArgumentParser) -> None:
    """What a release is begun with: by a person, or by a judge who waits for a new challenger."""
    parser.add_argument(
        "--policy", metavar="FILE", help="a policy of your own, or `small`; default: the one that ships"
    )
    parser.add_argument("--labelled", metavar="PLACE", help="labelled recordings to compare both bundles on")
    parser.add_argument(
        "--prediction-log",
        action="append",
        default=[],
        dest="prediction_logs",
        metavar="PLACE",
        help="the champion's prediction log, a folder or S3 prefix, and again the challenger's where it has its own: "
        "who would miss a species or a specification; for `auto --isvc` what both answered to visitors, too",
    )
    parser.add_argument(
        "--from-registry",
        default="",
        metavar="ALIAS",
        help="the bundle whose version has this alias in MLflow, such as `challenger`",
    )
    parser.add_argument(
        "--uri",
        default="",
        metavar="PATTERN",
        help="with --isvc and --from-registry: where KServe fetches bundles from, such as s3://bundles/{version}/",
    )
    _version_on_cluster(parser)


def _add_bootstrap(commands: Commands[argparse.ArgumentParser]) -> None:
    bootstrap = commands.add_parser("bootstrap", help="give a new InferenceService MLflow's champion, once")
    bootstrap.add_argument(
        "--isvc", required=True, metavar="NAMESPACE/NAME", help="an InferenceService of the current cluster"
    )
    bootstrap.add_argument(
        "--uri",
        default="",
        metavar="PATTERN",
        help="where KServe fetches bundles from, such as s3://bundles/{version}/; default: where MLflow keeps them",
    )
    bootstrap.set_defaults(run=_bootstrap)


def _bootstrap(options: argparse.Namespace) -> int:
    from pipelines.release_bootstrap import bootstrap

    return bootstrap(options)


def _add_requests(commands: Commands[argparse.ArgumentParser]) -> None:
    for name, words in (
        ("pause", "hold it where it is; visitors stay where they are"),
        ("resume", "go on from where it was held"),
        ("approve", "open the gate that it waits at"),
        ("advance", "take the next step without waiting for the rest of its evidence"),
        ("promote", "end the bake, or begin it at 100 %%"),
        ("abort", "end it without a verdict, everybody back to the champion"),
        ("rollback", "everybody back to the champion"),
    ):
        command = _place(commands.add_parser(name, help=words))
        needs_reason = name in ("approve", "advance", "promote")
        command.add_argument("--reason", default="", required=needs_reason, help="kept in the release's history")
        command.add_argument("--by", metavar="NAME", help="who asks for it; default: this account's name")
        if name == "rollback":
            command.add_argument(
                "--now", action="store_true", help="the route first, whatever else is broken; then the record"
            )
        command.set_defaults(run=_later("ask"))


def _add_auto(commands: Commands[argparse.ArgumentParser]) -> None:
    auto = _place(commands.add_parser("auto", help="judge: look, decide, act, until it has ended"))
    auto.add_argument("--once", action="store_true", help="one look")
    auto.add_argument("--forever", action="store_true", help="wait for the next release when one has ended")
    _offer(auto)
    auto.add_argument("--until-held", action="store_true", help="end when a person has to decide, too")
    auto.add_argument(
        "--recordings", type=Path, metavar="DIR", help="what simulated users play; default: sounds made up here"
    )
    auto.add_argument("--metrics_port", type=int, metavar="PORT", help="serve silencio_release_state at /metrics")
    auto.add_argument("--metrics_host", default="127.0.0.1", metavar="HOST", help="default: %(default)s")
    auto.add_argument(
        "--targets_port", type=int, metavar="PORT", help="with --isvc: tell Prometheus the arms' pods, at /targets"
    )
    auto.add_argument("--holder", metavar="NAME", help="name of this judge; default: this account on this machine")
    # It begins nothing that a person has to decide: what was released before, what takes another's place.
    undecided = {"replay": None, "accept_licence": "", "again": False, "aa": False, "supersede": False, "by": "auto"}
    auto.set_defaults(run=_later("auto"), challenger=None, **undecided)


def _place(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Where the release is: one machine's state folder, or an InferenceService."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--state-dir",
        type=Path,
        default=Path("out/serve"),
        metavar="DIR",
        help="of `silencio serve --canary`; default: %(default)s",
    )
    where.add_argument("--isvc", metavar="NAMESPACE/NAME", help="an InferenceService of the current cluster")
    parser.add_argument("--prometheus", metavar="URL", help="with --isvc: the Prometheus that scrapes both arms")
    parser.add_argument("--champion-url", metavar="URL", help="with --isvc: the champion's own address, for staging")
    parser.add_argument("--challenger-url", metavar="URL", help="with --isvc: likewise the challenger's")
    return parser


def _version_on_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--champion", metavar="DIR", help="with --isvc: the champion's bundle, a folder here")
    parser.add_argument("--champion-uri", metavar="URI", help="with --isvc: the champion's storage URI")
    parser.add_argument("--challenger-uri", metavar="URI", help="with --isvc: the challenger's storage URI")
    _kserve_version(parser)


def _kserve_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kserve-version", metavar="X.Y.Z", help="with --isvc: where the cluster does not say it")


def _later(name: str) -> Callable[[argparse.Namespace], int]:
    """What a command starts is imported when it runs."""

    def run(options: argparse.Namespace) -> int:
        from pipelines import release_commands

        return int(getattr(release_commands, name)(options))

    return run
