"""`silencio submit NAME`: a pipeline on a KFP host."""

from __future__ import annotations

import argparse

from pipelines.cli.options import add_configuration, add_earlier, add_profile, check_text, configuration
from pipelines.queues import in_queue


def configure(parser: argparse.ArgumentParser) -> None:
    """Run a pipeline on a KFP host."""
    parser.add_argument("pipeline", choices=["train"])
    add_configuration(parser, data_required=False)
    add_earlier(parser)
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
    parser.set_defaults(run=_submit)


@in_queue
def _submit(options: argparse.Namespace) -> int:
    from pipelines.submit import submit_train
    from silencio.console import Console

    check_text(options)
    run = submit_train(
        options.host,
        options.preset,
        configuration(options),
        options.set,
        data=options.data,
        previous=options.previous,
        champion=options.champion,
        resources=options.resources,
        claim=options.claim,
        image=options.image,
        namespace=options.namespace,
        experiment=options.experiment,
    )
    Console().print(f"run {run.run_id} is at {run.link}", soft_wrap=True)
    return 0
