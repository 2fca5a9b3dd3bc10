"""A pipeline of small steps, run by the very machinery that runs `train`: `python -m tests.pipelines.toy_run OUT TEXT`.

It has what the machinery must cope with: metrics without a file, a step without artifacts, a loop of two at a time, a
folder as output, a parameter, metadata. What the steps do is in `toy_steps`.
"""

import os
import sys
from pathlib import Path
from typing import List, NamedTuple  # noqa: UP035  # kfp reads lists from `typing` only

from kfp import dsl

from components.image import STEP
from pipelines.local.run import LocalRun, RunStopped, run_local
from silencio.errors import SilencioError


@dsl.component(**STEP)
def begin(text: str, source: str, key: str, begun: dsl.Output[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]):
    from tests.pipelines.toy_steps import read, work

    work("begin", begun.path, text + (read(source) if source else ""))
    begun.metadata["letters"] = len(text)
    metrics.log_metric("letters", len(text))


@dsl.component(**STEP)
def count(begun: dsl.Input[dsl.Dataset]) -> list:
    from tests.pipelines.toy_steps import work

    work("count")
    return [0, 1]


@dsl.component(**STEP)
def part(number: int, begun: dsl.Input[dsl.Dataset], piece: dsl.Output[dsl.Dataset]):
    from tests.pipelines.toy_steps import read, work

    work("part", piece.path, read(begun.path) + str(number))


@dsl.component(**STEP)
def weigh(begun: dsl.Input[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]) -> NamedTuple("Weighed", [("weight", str)]):
    from tests.pipelines.toy_steps import work

    work("weigh")
    metrics.log_metric("weight", begun.metadata["letters"])
    return (f"{begun.metadata['letters']:.0f}",)


@dsl.component(**STEP)
def join(weight: str, pieces: dsl.Input[List[dsl.Dataset]], bundle: dsl.Output[dsl.Model]):  # noqa: UP006
    from tests.pipelines.toy_steps import read, work

    work("join", bundle.path + "/model.txt", " ".join([weight, *(read(piece.path) for piece in pieces)]))


@dsl.pipeline(name="toy")
def toy(text: str, source: str = "", run_key: str = "") -> dsl.Model:
    begun = begin(text=text, source=source, key=run_key)
    counted = count(begun=begun.outputs["begun"])
    with dsl.ParallelFor(counted.output, parallelism=2) as number:
        piece = part(number=number, begun=begun.outputs["begun"])
    weighed = weigh(begun=begun.outputs["begun"])
    return join(weight=weighed.outputs["weight"], pieces=dsl.Collected(piece.outputs["piece"])).outputs["bundle"]


@dsl.pipeline(name="only-begin")
def only_begin(text: str, run_key: str = "") -> dsl.Dataset:
    return begin(text=text, source="", key=run_key).outputs["begun"]


def run(out: Path, text: str, source: str = "") -> LocalRun:
    arguments = {"text": text, "source": source}
    return run_local(toy, arguments, os.environ.get("TOY_IDENTITY", "code"), out.resolve(), {"Output": "bundle"})


if __name__ == "__main__":
    try:
        run(Path(sys.argv[1]), *sys.argv[2:])
    except SilencioError as error:
        sys.exit(f"{getattr(error, 'details', '')}\nerror: {error}".strip())
    except RunStopped as stop:
        sys.stderr.write(f"{stop}\n")
        sys.exit(130)
