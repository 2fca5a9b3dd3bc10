"""Play the month: `python -m benchmarks.month --bundle DIR [--smoke]`."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.month.checks import faults
from benchmarks.month.pictures import picture
from benchmarks.month.play import Month, Places, as_json, visitors, written
from benchmarks.month.scenes import Scenes
from benchmarks.month.served import Served, serve_scenes, serving, shuffled_bundle
from benchmarks.month.stack import missing_programs, watching
from benchmarks.month.story import MONTH, SMOKE, Story
from serving.simulate.recordings import recordings_of
from silencio.bundle.manifest import read_manifest
from silencio.command import command, exit_with
from silencio.demo import demo_folder
from silencio.errors import ConfigError

_DAY_S = 86_400.0
_MARK = ".month"
# Of a condition, device and part of the day, so many recordings are served; a day draws 24 of them.
_N_SERVED, _N_SERVED_SMOKE = 24, 8
_PICTURES = (("index", 1500), ("service", 1500), ("drift", 1800))


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Play it; 0 where everything was as it must be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the bundle that answers")
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="labelled ones of animals; default: the demo's")
    parser.add_argument(
        "--work", type=Path, default=Path("out/month"), metavar="DIR", help="is emptied; default: %(default)s"
    )
    parser.add_argument("--smoke", action="store_true", help="one disturbance")
    parser.add_argument("--day_s", type=float, metavar="S", help="seconds of a day; default: what this machine needs")
    parser.add_argument("--result", type=Path, metavar="FILE", help="default: month.json in --work")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="gets pictures of the pages")
    options = parser.parse_args(arguments)
    # As by Ctrl-C: what was started is ended, and writes into no later month's folder.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if missing := missing_programs():
        raise ConfigError(f"not in the path: {', '.join(missing)}; make month installs them")
    recordings = options.recordings or demo_folder()
    found = play(options.bundle, recordings, options.work, SMOKE if options.smoke else MONTH, options.day_s)
    written(options.result or options.work / "month.json", found)
    if options.pictures is not None:
        _take_pictures(Places(options.work), options.pictures)
    for fault in found["faults"]:
        sys.stderr.write(f"fault: {fault}\n")
    sys.stdout.write(f"{len(found['faults'])} faults; {found['took_s']:.0f} s\n")
    return 1 if found["faults"] else 0


def play(bundle: Path, recordings: Path, work: Path, story: Story, day_s: float | None = None) -> dict[str, Any]:
    """Play a story.

    Args:
        bundle: The bundle that answers.
        recordings: Labelled recordings of animals.
        work: A folder, emptied first if it is a month's.
        story: The plot.
        day_s: Seconds of a day; None: as the reference's days have shown that this machine needs.

    Returns:
        What was found, as plain values.
    """
    begun_s = time.monotonic()
    work = emptied(work.resolve())  # programs run by it, each in a folder of its own
    places = Places(work)
    scenes = Scenes(recordings_of(recordings))
    n_served = _N_SERVED_SMOKE if story is SMOKE else _N_SERVED
    served: dict[Any, Any] = dict(_broken(bundle, work, story, scenes, n_served))
    cells = [(condition, device) for condition, device in story.cells() if condition != "broken"]
    with serving(bundle, work / "served-log") as servers:
        served |= serve_scenes(servers, work / "served-log", scenes, cells, n_served, _progress)
        n_recordings = sum(map(len, served.values()))
        month = Month(story, served, places, bundle, _progress)
        month.play_reference()
        day_s = day_s or month.day_s()
        _progress(
            f"the reference's days took {time.monotonic() - begun_s:.0f} s; a day takes {day_s:.1f} s from now on"
        )
        sent = [scenes.make("normal", "ridge-1", "day", number).content for number in range(12)]
        version = read_manifest(bundle).version
        with (
            visitors(servers.url, sent),
            watching(work / "watching", servers, places.drift, _DAY_S / day_s, version) as stack,
        ):
            month.play(stack, day_s)
            notified = list(stack.notifications.received)[month.n_before :]
            notified_before = sorted(set(stack.notifications.received[: month.n_before]))
    return {
        "story": "smoke" if story is SMOKE else "month",
        "machine": machine(),
        "time_scale": _DAY_S / day_s,
        "n_recordings_served": n_recordings,
        "n_rows_written": _n_rows(places.log),
        "days": as_json(month.days),
        "notified": sorted({(receiver, alert, site, status) for receiver, alert, site, status in notified}),
        "notified_before_the_first_day": notified_before,
        "faults": faults(story, month.days, notified),
        "took_s": round(time.monotonic() - begun_s, 1),
    }


def emptied(work: Path) -> Path:
    """A folder for a month, empty but for the mark by which the next month knows it.

    Args:
        work: A folder that is missing, empty, or of an earlier month.

    Raises:
        ConfigError: It holds something else, which is left as it is.
    """
    if work.exists() and not (work / _MARK).is_file() and (not work.is_dir() or any(work.iterdir())):
        raise ConfigError(f"{work} holds something that is no month's: give --work an empty folder, or another one")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / _MARK).touch()
    return work


def _broken(bundle: Path, work: Path, story: Story, scenes: Scenes, n_served: int) -> Served:
    """What the broken bundle answers, by servers of its own."""
    cells = [(condition, device) for condition, device in story.cells() if condition == "broken"]
    if not cells:
        return {}
    with serving(shuffled_bundle(bundle, work / "broken"), work / "broken-log") as servers:
        return serve_scenes(servers, work / "broken-log", scenes, cells, n_served, _progress)


def _n_rows(log: Path) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(path).num_rows for path in log.rglob("*.parquet"))


def _take_pictures(places: Places, folder: Path) -> None:
    for moment in sorted((places.folder / "moments").iterdir()):
        for name, height in _PICTURES:
            page = moment / f"{name}.html"
            if page.is_file():
                picture(page, folder / f"{moment.name}-{name}.png", height)


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    exit_with(main)
