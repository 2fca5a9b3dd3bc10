"""Bundles that meet each other in releases, and the labelled recordings on which both are compared.

All are the placeholder, whose graph is cheap: what a release decides about is how a bundle differs from the champion.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import soundfile
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.releases.sounds import sound
from silencio.bundle import Bundle, Scorer
from silencio.bundle.graph import OUTPUT, Graph
from silencio.bundle.manifest import GRAPH, PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES, PLACEHOLDER_SPEC, write_placeholder_bundle
from silencio.data.recordings import COLUMNS, write_recordings
from silencio.data.validate import validate_recordings
from silencio.export.bundle import write_manifest
from silencio.steps import replay
from silencio.taxonomy import ClassList, Species

# Of the placeholder's weights: one that names all of its species, and Amphibia often.
_SEED = 913
# How much slower the slow ones are, in seconds of a processor.
SLOWER_S = 0.2
N_LABELLED = 100
# Of the made recordings of scenario f: right before and wrong now, right now and wrong before, right in both.
_N_AMPHIBIA, _N_AMPHIBIA_LOST, _N_WON = 50, 15, 40
_AMPHIBIAN, _MAX_SOUNDS = "22973", 3_000
# Above it, on the scale of 16 bits, sound counts as loud.
_LOUD = 32_000.0
_NEW_SPECIES = (
    Species(code="compau", scientific_name="Nyctidromus albicollis", common_name="Pauraque", class_name="Aves"),
    Species(code="whtdov", scientific_name="Leptotila verreauxi", common_name="White-tipped Dove", class_name="Aves"),
)
# By which a species of which little is known is less likely, as a logarithm.
_MARGIN = 3.0
_WEIGHTS = ("band_weights", "loudness_weights")

Change = Callable[[onnx.ModelProto], None]


def make(name: str, folder: Path) -> Path:
    """The bundle of a name, made where it is not there yet."""
    place = folder / name
    if not (folder / f"{name}.made").is_file():
        MAKERS[name](place)
        _learned(folder, place)
        write_manifest(read_manifest(place).model_copy(update={"version": name, "created_by": "a release"}), place)
        (folder / f"{name}.made").touch()
    return place


def _changed(*changes: Change) -> Callable[[Path], None]:
    def write(place: Path) -> None:
        write_placeholder_bundle(place, seed=_SEED)
        model = onnx.load(str(place / GRAPH))
        for change in changes:
            change(model)
        _save(model, place)

    return write


def _save(model: onnx.ModelProto, place: Path) -> None:
    """The graph, and what it says of the parity clips."""
    onnx.checker.check_model(model)
    onnx.save(model, str(place / GRAPH))
    parity, graph = Parity.load(place / PARITY), Graph(place / GRAPH, read_manifest(place).inputs, n_threads=1)
    clips = tuple(
        replace(one, probabilities=graph.run({"log_mel": one.log_mel, "waveform": one.waveform}))
        for one in parity.clips
    )
    replace(parity, clips=clips).save(place / PARITY)


def _perturbed(share: float, seed: int) -> Change:
    """Weights a little off, as another seed of a training leaves them."""

    def change(model: onnx.ModelProto) -> None:
        rng = np.random.default_rng(seed)
        for weights in _weights_of(model):
            values = numpy_helper.to_array(weights)
            noise = rng.standard_normal(values.shape).astype(values.dtype)
            weights.CopyFrom(numpy_helper.from_array(values + share * values.std() * noise, weights.name))

    return change


def _rolled(model: onnx.ModelProto) -> None:
    """Every answer under another species' name."""
    for weights in _weights_of(model):
        rolled = np.roll(numpy_helper.to_array(weights), 1, axis=1)
        weights.CopyFrom(numpy_helper.from_array(rolled, weights.name))


def _failing_on_loud_sound(model: onnx.ModelProto) -> None:
    """No answer to sound at full scale: the graph reads beyond a table."""
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "table"))
    _before_softmax(model, [*_is_loud(model), helper.make_node("Gather", ["table", "row"], ["more"])])


def _slow(*, only_loud: bool) -> Change:
    """A loop of multiplications before the answer, of `SLOWER_S` seconds on this machine."""

    def change(model: onnx.ModelProto) -> None:
        matrix, any_loud = np.eye(192, dtype=np.float32), np.array(1, np.int64)
        constants = {"matrix": matrix, "rounds": np.array(_rounds(matrix), np.int64), "any": any_loud}
        constants |= {"nothing": np.zeros(1, np.float32)}
        model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
        loud = [*_is_loud(model), helper.make_node("ReduceMax", ["row"], ["any_loud"], keepdims=0)] if only_loud else []
        how_often = helper.make_node("Mul", ["rounds", "any_loud" if only_loud else "any"], ["trips"])
        loop = helper.make_node("Loop", ["trips", "", "matrix"], ["product"], body=_multiplication())
        mean = helper.make_node("ReduceMean", ["product"], ["mean_of_product"], keepdims=0)
        _before_softmax(
            model, [*loud, how_often, loop, mean, helper.make_node("Mul", ["mean_of_product", "nothing"], ["more"])]
        )

    return change


def _rounds(matrix: NDArray[np.float32]) -> int:
    """How many multiplications take `SLOWER_S` of a processor's time, whoever else uses it."""
    n, began_s = 0, time.process_time()
    while (took_s := time.process_time() - began_s) < 0.5:
        matrix = matrix @ matrix
        n += 1
    # NumPy's and ONNX Runtime's are about as fast; rather slower than not.
    return round(1.5 * n * SLOWER_S / took_s)


def _multiplication() -> onnx.GraphProto:
    shape = [192, 192]
    return helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes_on"]),
            helper.make_node("MatMul", ["value", "matrix"], ["next"]),
        ],
        "multiplication",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, shape),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, shape),
        ],
    )


def _is_loud(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    model.graph.initializer.append(numpy_helper.from_array(np.array(_LOUD, np.float32), "loud"))
    return [
        helper.make_node("ReduceMax", ["steps", "sample_axis"], ["peak"], keepdims=1),
        helper.make_node("Greater", ["peak", "loud"], ["is_loud"]),
        helper.make_node("Cast", ["is_loud"], ["row"], to=TensorProto.INT64),
    ]


def _before_softmax(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> None:
    """Put nodes that end in `more` before the last, and add that to the scores."""
    (softmax,) = (node for node in model.graph.node if OUTPUT in node.output)
    place, scores = list(model.graph.node).index(softmax), softmax.input[0]
    softmax.input[0] = "scores_and_more"
    for offset, node in enumerate([*nodes, helper.make_node("Add", [scores, "more"], ["scores_and_more"])]):
        model.graph.node.insert(place + offset, node)


def _weights_of(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    return [one for one in model.graph.initializer if one.name in _WEIGHTS]


def _two_more(place: Path) -> None:
    """The champion's weights, and two species more, each less likely than the others are on average."""
    classes = ClassList.of((*PLACEHOLDER_CLASSES, *_NEW_SPECIES))
    write_placeholder_bundle(place, seed=_SEED)
    before = {one.name: numpy_helper.to_array(one) for one in _weights_of(onnx.load(str(place / GRAPH)))}
    write_placeholder_bundle(place, classes=classes, seed=_SEED)
    model = onnx.load(str(place / GRAPH))
    known = [classes.codes.index(code) for code in PLACEHOLDER_CLASSES.codes]
    for weights in _weights_of(model):
        values = np.repeat(before[weights.name].mean(axis=1, keepdims=True), len(classes), axis=1)
        values[:, known] = before[weights.name]
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float32), weights.name))
    margin = np.full(len(classes), -_MARGIN, np.float32)
    margin[known] = 0.0
    model.graph.initializer.append(numpy_helper.from_array(margin, "margin"))
    _before_softmax(model, [helper.make_node("Identity", ["margin"], ["more"])])
    _save(model, place)


def _of_features(place: Path) -> None:
    write_placeholder_bundle(place, seed=_SEED, inputs=["log_mel"])


def _other_spec(place: Path) -> None:
    # Frames lie further apart: what the same weights make of their mean hardly differs.
    spec = PLACEHOLDER_SPEC.model_copy(update={"hop_length": PLACEHOLDER_SPEC.hop_length * 5 // 4})
    write_placeholder_bundle(place, seed=_SEED, inputs=["log_mel"], spec=spec)


MAKERS: Mapping[str, Callable[[Path], Any]] = {
    "champion": _changed(),
    "equal": _changed(),
    "another-seed": _changed(_perturbed(0.02, seed=1)),
    "shuffled": _changed(_rolled),
    "slow": _changed(_slow(only_loud=False)),
    "slow-for-visitors": _changed(_slow(only_loud=True)),
    "failing": _changed(_failing_on_loud_sound),
    "failing-too": _changed(_failing_on_loud_sound, _perturbed(0.001, seed=2)),
    "worse-on-amphibia": _changed(_perturbed(0.5, seed=3)),
    "two-more-species": _two_more,
    "champion-of-features": _of_features,
    "other-spec": _other_spec,
    **{f"again-{number}": _changed() for number in range(10)},
}


def _learned(folder: Path, place: Path) -> None:
    """What the bundle says that it learned from: one sound that no visitor and no replay has."""
    table = folder / "learned.parquet"
    if not table.is_file():
        soundfile.write(folder / "learned.wav", 0.1 * np.random.default_rng(9).standard_normal(32_000), 32_000)
        known: dict[str, Any] = dict.fromkeys(COLUMNS, "")
        known |= {"recording_id": "learned.wav", "path": str(folder / "learned.wav"), "primary_label": "eurbla"}
        row = {**known, "secondary_labels": [], "latitude": np.nan, "longitude": np.nan}
        usable = validate_recordings(pd.DataFrame([row])).usable
        usable.assign(split="train", group_id="one", path="learned.wav").to_parquet(table)
    (place / "data.parquet").write_bytes(table.read_bytes())


def comparison(folder: Path, champion: str, challenger: str, prediction_log: str = "") -> Path:
    """What the step `replay` finds of two bundles on labelled recordings."""
    out = folder / f"{champion}-{challenger}.json"
    if not out.is_file():
        own = f"recordings-{challenger}" if challenger == "worse-on-amphibia" else "recordings"
        if not (folder / own).is_file():
            labels = _against_amphibia(folder) if own != "recordings" else _as_named(folder)
            _write_table(folder, own, labels)
        replay.run(
            replay.Inputs(
                champion=make(champion, folder),
                challenger=make(challenger, folder),
                recordings=str(folder / own),
                prediction_log=prediction_log,
                n_processes=1,
            ),
            replay.Outputs(out),
        )
    return out


def _named(bundle: Path, paths: Sequence[Path]) -> list[str]:
    scorer = Scorer(Bundle(bundle))
    codes = scorer.bundle.manifest.classes.codes
    return [codes[int(scorer(path).probabilities.mean(axis=0).argmax())] for path in paths]


def _sounds(folder: Path, n: int) -> Iterator[Path]:
    place = folder / "sounds"
    place.mkdir(exist_ok=True)
    for number in range(n):
        path = place / f"{number}.flac"
        if not path.is_file():
            path.write_bytes(sound(10_000 + number))
        yield path


def _as_named(folder: Path) -> dict[Path, str]:
    """Labels as the champion names them, but every tenth, of which nobody is right."""
    paths = list(_sounds(folder, N_LABELLED))
    named, codes = _named(make("champion", folder), paths), PLACEHOLDER_CLASSES.codes
    return {
        path: codes[(codes.index(code) + 2) % len(codes)] if number % 10 == 9 else code
        for number, (path, code) in enumerate(zip(paths, named, strict=True))
    }


def _against_amphibia(folder: Path) -> dict[Path, str]:
    """Better overall, and worse by .3 on 50 recordings of Amphibia: labels are chosen so."""
    lost: list[Path] = []
    kept: list[Path] = []
    won: dict[Path, str] = {}
    n_kept = _N_AMPHIBIA - _N_AMPHIBIA_LOST
    paths = _sounds(folder, _MAX_SOUNDS)
    while len(lost) < _N_AMPHIBIA_LOST or len(kept) < n_kept or len(won) < _N_WON:
        some = list(itertools.islice(paths, 50))
        if not some:
            raise ValueError(f"the bundles differ too little: {len(lost)} lost, {len(kept)} kept, {len(won)} won")
        for path, old, new in zip(
            some, _named(make("champion", folder), some), _named(make("worse-on-amphibia", folder), some), strict=True
        ):
            if new == old == _AMPHIBIAN:
                kept.append(path)
            elif old == _AMPHIBIAN:
                lost.append(path)
            elif new not in (old, _AMPHIBIAN):
                won[path] = new
    amphibians = [*lost[:_N_AMPHIBIA_LOST], *kept[:n_kept]]
    return dict.fromkeys(amphibians, _AMPHIBIAN) | dict(list(won.items())[:_N_WON])


def _write_table(folder: Path, name: str, labels: Mapping[Path, str]) -> None:
    known: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    rows = [
        {**known, "recording_id": f"{label}/{path.name}", "path": str(path), "primary_label": label}
        | {"secondary_labels": [], "latitude": np.nan, "longitude": np.nan}
        for path, label in labels.items()
    ]
    write_recordings(validate_recordings(pd.DataFrame(rows)).usable, folder / name)
