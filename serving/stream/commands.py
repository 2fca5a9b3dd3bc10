"""`silencio produce` and `silencio consume`."""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from serving.client.connection import API_KEY, add_connection_options
from serving.simulate.recordings import recordings_of
from serving.stream.consumer import Consumer, ConsumerConfig
from serving.stream.producer import BACKGROUNDS, ProducerConfig, produce
from serving.stream.recorder_clock import RecorderClock
from serving.stream.stopping import StopRequest
from silencio.errors import SilencioError
from silencio.storage import is_local


def configure_produce(parser: argparse.ArgumentParser) -> None:
    """Write one-minute soundscapes with calls at known times."""
    parser.add_argument("--recordings", type=Path, required=True, metavar="DIR", help="labelled: whose calls are heard")
    parser.add_argument("--backgrounds", type=Path, metavar="DIR", help=f"default: DIR/{BACKGROUNDS}, or made noise")
    parser.add_argument("--to", required=True, metavar="PLACE", help="a folder, or s3://bucket/prefix")
    parser.add_argument(
        "--every-s",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="default: %(default)s, as in life. Below 1 names, which tell seconds, cannot follow: with --n they are of "
        "the last N minutes, written as fast as S says (0: at once); without end there is one a second",
    )
    parser.add_argument("--n", type=int, metavar="N", help="how many; without end by default")
    parser.add_argument("--calls", type=int, default=9, metavar="N", help="most in one; 0: none; default: %(default)s")
    parser.add_argument("--site", default="SIM01", help="begins every name; default: %(default)s")
    parser.add_argument(
        "--start",
        type=datetime.fromisoformat,
        metavar="ISO",
        help="names tell the time of a clock that begins there and goes on a minute a soundscape, never beyond now; "
        "without a zone this machine's, without daylight saving; default: when each is written",
    )
    parser.add_argument("--seed", type=int, default=0, help="another one, other soundscapes; default: %(default)s")
    parser.set_defaults(run=run_produce)


def configure_consume(parser: argparse.ArgumentParser) -> None:
    """Have every recording of a place scored once by a server."""
    parser.add_argument("--from", dest="source", required=True, metavar="PLACE", help="a folder, or s3://bucket/prefix")
    parser.add_argument("--to", required=True, metavar="PLACE", help="gets the answers and the tables; PLACE as above")
    parser.add_argument("--url", required=True, help="of the transformer, like http://127.0.0.1:8080")
    parser.add_argument("--once", action="store_true", help="end when everything that is there is done")
    parser.add_argument("--clients", type=int, choices=range(1, 33), default=2, metavar="N", help="requests at once")
    parser.add_argument("--every-s", type=_seconds, default=2.0, metavar="S", help="between looks; %(default)s")
    parser.add_argument(
        "--settle-s", type=_seconds, default=2.0, metavar="S", help="for which a file must not change; %(default)s"
    )
    parser.add_argument(
        "--give-up-s", type=_seconds, default=120.0, metavar="S", help="of a server that is away; default: %(default)s"
    )
    parser.add_argument(
        "--truncated",
        choices=("note", "refuse"),
        default="note",
        help="what becomes of cut files; default: %(default)s",
    )
    add_connection_options(parser)
    parser.set_defaults(run=run_consume)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: a number of seconds is needed")
    return value


def run_produce(options: argparse.Namespace) -> int:
    """Write until stopped, or `--n` soundscapes.

    Returns:
        0, or 1 after one sentence.

    Raises:
        ConfigError: `--start` lies in the future, or `--n` minutes are more than there have been.
    """
    stopped = _stop_on_signals()
    backgrounds = options.backgrounds or options.recordings / BACKGROUNDS
    clock = RecorderClock.of(options.start, options.every_s, datetime.now(UTC), options.n)
    config = ProducerConfig(
        options.to,
        site=options.site,
        start=clock.start,
        interval_s=clock.step_s,
        n_soundscapes=options.n,
        max_calls=options.calls,
        seed=options.seed,
    )
    try:
        begun_s = time.monotonic()
        made = produce(recordings_of(options.recordings), backgrounds, config)
        for number in itertools.count() if options.n is None else range(options.n):
            # By the clock, so that writing takes nothing from the rhythm.
            pause_s = begun_s + number * options.every_s - time.monotonic()
            if stopped.wait(max(pause_s, clock.wait_s(number, datetime.now(UTC)))):
                break
            _print(next(made))
    except SilencioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def run_consume(options: argparse.Namespace) -> int:
    """Watch until stopped, or once.

    Returns:
        0; 1 if, `--once`, an input is left for later or failed, or a place does not answer.
    """
    config = ConsumerConfig(
        _place(options.source),
        _place(options.to),
        options.url,
        n_clients=options.clients,
        every_s=options.every_s,
        truncated=options.truncated,
        settle_s=options.settle_s,
        give_up_s=options.give_up_s,
        api_key=os.environ.get(API_KEY),
        key_in_clear=options.key_in_clear,
        cacert=options.cacert,
    )
    try:
        consumer = Consumer(config, _print)
        _stop_on_signals(consumer.stop)
        consumer.run(once=options.once)
    except SilencioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    results, waiting = consumer.results, len(consumer.waiting)
    scored, failed = len(results.answered), len(results.failures)
    _print(f"{scored} scored, {failed} failed, {waiting} waiting; all of them are in {options.to}/files.csv")
    return 1 if options.once and (failed or waiting) else 0


def _place(text: str) -> str:
    """A place as listings name what is below it: an S3 prefix without a slash at its end, a folder from the root on."""
    return str(Path(text).resolve()) if is_local(text) else text.rstrip("/")


def _stop_on_signals(stop: Callable[[], None] | None = None) -> StopRequest:
    """Set a stop request by Ctrl-C and SIGTERM, which call `stop` as well."""
    stopped = StopRequest()

    def on_signal(number: int, _: FrameType | None) -> None:
        stopped.set()
        if stop:
            stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stopped


def _print(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()
