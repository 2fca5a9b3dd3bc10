"""Five folds by source recording: does the ensemble of a preset beat the references, and by how much at least?

    python -m benchmarks.folds --data FOLDER --preset reserve-fast --out FOLDER

A fold that was finished is not computed again. Every recording is judged once, by models that never heard it nor
another cut of it; differences are paired by recording.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from silencio.config import RunConfig, preset_text, resolve
from silencio.data.birdclef import read_birdclef
from silencio.data.shards import ShardSet, targets, write_shard
from silencio.data.validate import validate_recordings
from silencio.evaluation.bootstrap import Bootstrap, interval
from silencio.evaluation.comparisons import compare
from silencio.evaluation.metrics import judge
from silencio.evaluation.recording_scores import recording_scores
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead
from silencio.training.fit import fit_head, predict
from silencio.training.fuse import fuse_heads
from silencio.training.lightning_module import HeadModule

N_FOLDS = 5
N_RESAMPLES = 10_000
REFERENCE = "logistic regression on mean log-mel"


def draw_folds(recordings: pd.DataFrame, seed: int) -> pd.Series:
    """A fold for each recording: whole source recordings, each species dealt out in turn."""

    def draw(text: str) -> str:
        return hashlib.sha256(f"{seed}:{text}".encode()).hexdigest()

    groups = recordings.groupby("sha256")["recording_id"].transform("min")
    owner = recordings.assign(group=groups).sort_values("recording_id").groupby("group")["primary_label"].first()
    fold_of = {}
    for label, ids in owner.groupby(owner).groups.items():
        first = int(draw(str(label)), 16)
        fold_of |= {group: (first + i) % N_FOLDS for i, group in enumerate(sorted(ids, key=draw))}
    return groups.map(fold_of)


def judge_fold(fold: int, recordings: pd.DataFrame, config: RunConfig, classes: ClassList, out: Path) -> None:
    """Train on the other folds, the next one choosing the weights, and keep the scores of this one."""
    if (out / "scores.npz").exists():
        return
    began = time.monotonic()
    is_test, is_validation = recordings["fold"] == fold, recordings["fold"] == (fold + 1) % N_FOLDS
    # Half of the next fold chooses, the other half trains: about the shares of the preset's own split.
    half = recordings["recording_id"].map(lambda name: hashlib.sha256(name.encode()).digest()[0] % 2 == 0)
    part = np.where(is_test, "test", np.where(is_validation & half, "validation", "train"))
    recordings = recordings.assign(part=part)
    write_shard(recordings, config.features, out / "shard")
    shards = [out / "shard"]
    heads = []
    for name in config.heads:
        if not (out / name / "head.json").exists():
            fit_head(name, config, shards, classes, out / name)
        heads.append(TrainedHead.load(out / name))
    fusion = fuse_heads(heads, recordings, config, classes)
    test, training = ShardSet(shards, config.features, "test"), ShardSet(shards, config.features, "train")
    scores = {}
    for head in heads:
        module = HeadModule(head.module(config.features, classes), head.config, total_steps=0)
        windows = predict(module, test)
        scores[head.name] = recording_scores(windows.probabilities, windows.recording)
    scores["ensemble"] = np.tensordot(np.array(fusion.weights), np.stack([scores[n] for n in fusion.heads]), axes=1)
    scores[REFERENCE] = mean_log_mel_scores(training, test, classes)
    scores["majority class"] = majority_scores(training, len(test), classes)
    names = [f"score {name}" for name in scores]
    partial = out / ".scores.npz"
    np.savez_compressed(
        partial,
        recording_ids=test.table["recording_id"].to_numpy(str),
        **dict(zip(names, scores.values(), strict=True)),
    )
    (out / "fold.json").write_text(json.dumps({"seconds": time.monotonic() - began, "weights": fusion.weights}))
    partial.rename(out / "scores.npz")


def main() -> None:
    """Compute what is missing, then show all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--preset", default="reserve-fast")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="a.b=v")
    options = parser.parse_args()
    config = resolve(preset_text(options.preset), overrides=options.set)
    source = read_birdclef(options.data)
    recordings = validate_recordings(source.recordings).usable
    recordings["fold"] = draw_folds(recordings, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    recordings[["recording_id", "primary_label", "fold"]].to_csv(options.out / "folds.csv", index=False)
    for fold in range(N_FOLDS):
        judge_fold(fold, recordings, config, source.classes, options.out / f"fold-{fold}")
    facts = summary(options.out, recordings, source.classes)
    (options.out / "folds.json").write_text(json.dumps(facts, indent=1))
    _show(facts)


def summary(out: Path, recordings: pd.DataFrame, classes: ClassList) -> dict[str, Any]:
    """All folds together: every recording once, each judged by the models of its own fold.

    Macro mAP over pooled folds compares scores of different models; top-1 does not, and is the figure to quote.
    """
    files = [np.load(path) for path in sorted(out.glob("fold-*/scores.npz"))]
    names = [name.removeprefix("score ") for name in files[0].files if name.startswith("score ")]
    scores = {name: np.concatenate([file[f"score {name}"] for file in files]) for name in names}
    ids = np.concatenate([file["recording_ids"] for file in files])
    table = recordings.set_index("recording_id").loc[ids].reset_index()
    target, truth = targets(table, classes.index), np.array([classes.index[code] for code in table["primary_label"]])
    bootstrap = Bootstrap(len(table), N_RESAMPLES)
    often = np.asarray(table["primary_label"].map(table["primary_label"].value_counts()) >= N_FOLDS)
    facts: dict[str, Any] = {"n_folds": len(files), "n_recordings": len(table), "rows": {}, "against": {}}
    for name, one in scores.items():
        hit = one.argmax(axis=1) == truth
        metrics = judge(one, target, table["primary_label"], classes)
        facts["rows"][name] = {
            "top1": metrics.top1,
            "top1_interval": interval(bootstrap.mean(hit)),
            "top1_of_species_with_five": float(hit[often].mean()),
            "macro_map": metrics.macro_map,
        }
    for name in names:
        if name != "ensemble":
            compared = compare(name, scores["ensemble"], scores[name], target, truth, bootstrap)
            facts["against"][name] = {one.figure: [one.difference, *one.interval] for one in compared}
    return facts


def _show(facts: dict[str, Any]) -> None:
    table = Table(
        "judged",
        "top-1",
        "95 %",
        "of species with five",
        "macro mAP",
        "ensemble's lead in top-1, paired 95 %",
        title=f"{facts['n_folds']} folds, {facts['n_recordings']} recordings",
    )
    for name, row in facts["rows"].items():
        lead = facts["against"].get(name, {}).get("top1")
        table.add_row(
            name,
            f"{row['top1']:.3f}",
            "{:.3f} to {:.3f}".format(*row["top1_interval"]),
            f"{row['top1_of_species_with_five']:.3f}",
            f"{row['macro_map']:.3f}",
            "" if lead is None else "{:+.3f}, {:+.3f} to {:+.3f}".format(*lead),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
