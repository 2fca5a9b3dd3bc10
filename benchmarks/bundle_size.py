"""How large released bundles are: heads of the presets on 206 species, trained for a moment, exported as int8."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recordings import write_reserve
from benchmarks.result import Result
from silencio.bundle.manifest import GRAPH
from silencio.config import RunConfig, preset_text, resolve
from silencio.data.birdclef import read_birdclef
from silencio.data.shards import plan_shards, write_shard
from silencio.data.split import draw_split
from silencio.data.validate import validate_recordings
from silencio.export.bundle import Origin, export_bundle
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import fit_ensemble
from silencio.training.fit import fit_head

_N_SPECIES, _N_RECORDINGS = 206, 824
_MEGABYTE = 1e6
# What is measured are bytes: nothing needs to be learned, no head is left out, and the smaller graph is kept.
_SMOKE = (
    "stacking.keep_all_heads=true",
    "export.quantize={n_calibration_windows: 16, max_map_loss: 1.0, n_timed: 10}",
    "heads.effnet_lora.adapt=full",
    "heads.effnet_lora.weights=none",
)
_BRIEF = {"epochs": 1, "crops_per_recording": 0.05, "batch_size": 4, "precision": "32-true", "n_workers": 0}


def run(quick: bool) -> list[Result]:
    """Both."""
    heads = ("effnet_lora", "raw_cnn"), ("effnet_lora", "resnet", "raw_cnn")
    small, large = _brief("reserve", heads[0]), _brief("birdclef", heads[1])
    if quick:  # the same code on smaller networks
        large = _brief(
            "birdclef", heads[1], "heads.effnet_lora.backbone=efficientnet_b0", "heads.resnet.backbone=resnet18"
        )
    return [
        _size("int8 bundle of EfficientNet-Lite0 and raw_cnn", small, 25.0, quick),
        _size("int8 bundle of EfficientNet-B3, ResNet-50 and raw_cnn", large, 50.0, quick),
    ]


def _brief(preset: str, heads: Sequence[str], *overrides: str) -> RunConfig:
    """A preset's heads of these names, trained for a moment."""
    every = resolve(preset_text(preset), overrides=_SMOKE).heads
    away = [f"heads.{name}=null" for name in every if name not in heads]
    brief = [f"heads.{name}.{setting}={value}" for name in heads for setting, value in _BRIEF.items()]
    return resolve(preset_text(preset), overrides=[*_SMOKE, *overrides, *away, *brief])


def _size(what: str, config: RunConfig, max_mb: float, quick: bool) -> Result:
    n_species = 20 if quick else _N_SPECIES
    with tempfile.TemporaryDirectory(prefix="silencio-size-") as temporary:
        root = Path(temporary)
        bundle = _bundle(config, write_reserve(root / "reserve", 4 * n_species, n_species), root)
        files = {
            path.relative_to(bundle).as_posix(): path.stat().st_size for path in bundle.rglob("*") if path.is_file()
        }
    megabytes = sum(files.values()) / _MEGABYTE
    names = ", ".join(f"{name} ({head.kind})" for name, head in config.heads.items())
    return Result(
        what,
        megabytes,
        "MB",
        max_mb,
        at_least=False,
        ours=f"{files[GRAPH] / _MEGABYTE:.1f} MB of it the graph",
        reference=f"{n_species} species; {names}",
        details={"files": files},
    )


def _bundle(config: RunConfig, source: Path, root: Path) -> Path:
    read = read_birdclef(source)
    usable = validate_recordings(read.recordings).usable
    assignment = draw_split(usable, config.split).assignment
    recordings = usable.merge(assignment[["recording_id", "split"]], on="recording_id")
    shards = []
    for number, plan in enumerate(plan_shards(usable, assignment, config.seconds_per_shard)):
        if plan.split == "development":
            shards.append(root / f"shard-{number}")
            write_shard(recordings[recordings["recording_id"].isin(plan.recording_ids)], config.features, shards[-1])
    heads = []
    for name in config.heads:
        fit_head(name, config, shards, read.classes, root / name)
        heads.append(TrainedHead.load(root / name))
    ensemble = fit_ensemble(heads, recordings, config, read.classes)
    decision_rule = calibrate_ensemble(ensemble, recordings, config, read.classes)
    columns = ["recording_id", "sha256", "primary_label", "split"]
    split_history = recordings[columns].assign(group_id=recordings["recording_id"])
    data = recordings.drop(columns=["secondary_labels"])
    origin = Origin(
        data=data, split_history=split_history, licences={"CC BY 4.0": len(data)}, parents={"code_version": "bench"}
    )
    export_bundle(heads, ensemble, decision_rule, shards, origin, config, read.classes, root / "bundle")
    return root / "bundle"
