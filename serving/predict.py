"""`python -m serving predict`: name what recordings hold, with a bundle or by asking a server."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from serving.client import Client, RefusedRecordingError
from serving.table import recording_table
from silencio.bundle import Bundle, Scorer
from silencio.detections import RecordingDocument, recording_document
from silencio.detections.documents import TopK
from silencio.errors import DecodeError, SilencioError

_PIPED_CELLS = 120
Ask = Callable[[bytes], RecordingDocument]


def add_predict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("predict", help="name what recordings hold")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="OGG, WAV, FLAC or MP3")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--bundle", type=Path, metavar="DIR", help="score in this process, without a server")
    way.add_argument("--url", help="ask a server, like http://127.0.0.1:8080")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="json: one object a line and file")
    parser.add_argument(
        "--top-k", type=_top_k, default=5, metavar="N|all", help="species that a window lists (default: %(default)s)"
    )
    parser.set_defaults(run=predict)


def _top_k(text: str) -> TopK:
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: a whole number of at least 1, or all, is needed")


def predict(options: argparse.Namespace) -> int:
    """Answer for every file that can be read.

    Returns:
        0 if all were, 1 if one was not or nothing could be asked.
    """
    output = Console(highlight=False)
    if not output.is_terminal:
        # A pipe has no width; rich takes 80 cells for it and would break names.
        output.width = max(output.width, _PIPED_CELLS)
    all_answered = True
    try:
        with _asking(options) as ask:
            for file in options.files:
                try:
                    document = ask(_read(file))
                except (DecodeError, RefusedRecordingError) as error:
                    sys.stderr.write(f"{file}: {error}\n")
                    all_answered = False
                    continue
                if options.format == "json":
                    _write_line({"file": str(file), **document.model_dump()})
                else:
                    output.print(recording_table(str(file), document))
    except SilencioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0 if all_answered else 1


@contextmanager
def _asking(options: argparse.Namespace) -> Iterator[Ask]:
    """The two ways, as one function from a recording's bytes to the answer."""
    if options.url:
        with Client(options.url) as client:
            yield lambda encoded: client.predict(encoded, options.top_k)
        return
    scorer = Scorer(Bundle(options.bundle))
    manifest = scorer.bundle.manifest

    def ask(encoded: bytes) -> RecordingDocument:
        scored = scorer(encoded)
        return recording_document(
            scored.starts_s, scored.probabilities, manifest.spec.window_s, manifest.classes, options.top_k
        )

    yield ask


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DecodeError(f"cannot be read: {error.strerror or error}") from error


def _write_line(record: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    sys.stdout.flush()
