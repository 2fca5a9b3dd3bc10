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

from serving.client.options import API_KEY, recorder_of
from serving.simulate.recordings import recordings_of
from serving.stream.consumer import Consumer, ConsumerConfig
from serving.stream.producer import BACKGROUNDS, ProducerConfig, produce
from serving.stream.recorder_clock import RecorderClock
from serving.stream.stopping import StopRequest
from silencio.errors import SilencioError
from silencio.local_time import zone_named
from silencio.storage import is_local


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

    Raises:
        ConfigError: `--zone` is none.
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
        recorder=recorder_of(options),
        zone=zone_named(options.zone) if options.zone else None,
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
