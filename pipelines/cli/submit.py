"""`silencio submit NAME`: a pipeline on a KFP host."""

from __future__ import annotations

import argparse

from pipelines.cli.options import add_configuration, add_earlier, add_profile, check_text, configuration
from pipelines.queues import in_queue

# `pipelines.compile.WITHOUT_CONFIGURATION`, which imports kfp: seconds, in which no command answers.
_WITHOUT_CONFIGURATION = ("batch-score", "release", "deliver", "drift")


def configure(parser: argparse.ArgumentParser) -> None:
    """Run a pipeline on a KFP host, once or again and again."""
    pipelines = parser.add_subparsers(dest="pipeline", required=True, metavar="PIPELINE")
    train = pipelines.add_parser("train", help="recordings to a bundle")
    add_configuration(train, data_required=False)
    add_earlier(train)
    _add_target(train)
    train.set_defaults(run=_submit)
    for name in _WITHOUT_CONFIGURATION:
        other = pipelines.add_parser(name, help="as its page in the KFP UI describes it")
        other.add_argument(
            "--argument",
            action="append",
            default=[],
            dest="arguments",
            metavar="NAME=VALUE",
            help="of the pipeline; again for each",
        )
        _add_target(other)
        other.set_defaults(run=_submit, data=None)


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", required=True, metavar="URL", help="of the KFP API, such as http://127.0.0.1:8888")
    parser.add_argument("--namespace", default="", metavar="NAME", help="of the user, where KFP serves several")
    parser.add_argument("--experiment", default="silencio", metavar="NAME", help="under which KFP lists the run")
    parser.add_argument("--image", metavar="NAME:TAG", help="in which the steps run, if not this version's")
    add_profile(parser)
    parser.add_argument(
        "--claim",
        action=argparse.BooleanOptionalAction,
        help="mount the volume claim; default: where anything that is named may lie on it",
    )
    parser.add_argument(
        "--cron",
        default="",
        metavar="'M H D M W'",
        help="again and again at these times (UTC), one run at a time, missed ones left out; instead of once, now",
    )
    parser.add_argument(
        "--schedule", default="", metavar="NAME", help="of what --cron makes; one of that name is replaced"
    )


@in_queue
def _submit(options: argparse.Namespace) -> int:
    from pipelines.submit import Target, submit_compiled, submit_train
    from silencio.console import Console

    check_text(options)
    target = Target(
        options.host,
        namespace=options.namespace,
        experiment=options.experiment,
        resources=options.resources,
        claim=options.claim,
        image=options.image,
        cron=options.cron,
        schedule=options.schedule,
    )
    if options.pipeline == "train":
        sent = submit_train(
            target,
            options.preset,
            configuration(options),
            options.set,
            data=options.data,
            previous=options.previous,
            champion=options.champion,
        )
    else:
        sent = submit_compiled(target, options.pipeline, options.arguments)
    what = "recurring run" if options.cron else "run"
    replaced = f", in place of {sent.n_replaced} of its name" if sent.n_replaced else ""
    Console().print(f"{what} {sent.identity} is at {sent.link}{replaced}", soft_wrap=True)
    return 0
