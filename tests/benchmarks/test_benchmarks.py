"""The benchmarks run, count right, and say plainly what they missed. How fast anything is, is not tested here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import benchmarks.__main__ as command
from benchmarks import batching, command_start, featurize, growth
from benchmarks.bundles import identity, measured_bundle, trained_bundle
from benchmarks.log_mel import librosa_log_mel
from benchmarks.recordings import N_RECORDINGS, part_of, song, tail, write_ogg, write_reserve
from benchmarks.result import Result
from benchmarks.timing import TimeComparison, answer, compare, start
from silencio.audio import dequantize
from silencio.bundle import Bundle
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.data.frames import read_frame
from silencio.data.source import open_source
from silencio.features import FeatureSpec, LogMel


def _result(value: float, target: float = 2.0, at_least: bool = True) -> Result:
    return Result("what", value, "times", target, at_least, "1 s", "2 s", {"n": 3})


@pytest.mark.parametrize(
    ("value", "at_least", "met"),
    [(2.0, True, True), (1.99, True, False), (2.0, False, True), (2.01, False, False)]
    + [(float("nan"), at_least, False) for at_least in (True, False)],
)
def test_result__is_met_from_the_target_on(value: float, at_least: bool, met: bool) -> None:
    assert _result(value, at_least=at_least).met is met


def test_comparison__ratio_is_that_of_the_least_times() -> None:
    noisy = TimeComparison([3.0, 1.0, 9.0], [21.0, 6.0, 4.0], [0.0] * 3, [0.0] * 3)
    assert noisy.ratio == 4.0
    assert noisy.details()["ratio_of_medians"] == 2.0


def test_compare__calls_in_turn_and_counts_no_first_call() -> None:
    calls: list[str] = []
    compared = compare(lambda: calls.append("ours"), lambda: calls.append("reference"), n_turns=2)
    assert calls == ["ours", "reference"] + 2 * (3 * ["ours"] + 3 * ["reference"])
    assert len(compared.ours_s) == len(compared.reference_wall_s) == 6


def test_command_start__is_a_ratio_of_two_processes_that_print_help() -> None:
    (result,) = command_start.run(quick=True)
    assert result.details["ours_s"][0] / result.details["reference_s"][0] == result.value
    assert not result.at_least


def test_librosa__is_asked_for_the_same_features() -> None:
    spec = FeatureSpec()
    window = song(spec.window_s, spec.sample_rate_hz, seed=1)
    ours = LogMel(spec).decibels(dequantize(window))
    np.testing.assert_allclose(librosa_log_mel(dequantize(window)), ours, rtol=0, atol=1e-3)
    several = librosa_log_mel(dequantize(np.stack([window, window])))
    np.testing.assert_allclose(several[1], ours, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("n_recordings", "n_species"), [(N_RECORDINGS, 206), (8_000, 206), (2_000, 206), (80, 20)])
def test_tail__has_the_sum_and_is_long(n_recordings: int, n_species: int) -> None:
    counts = tail(n_recordings, n_species)
    assert sum(counts) == n_recordings
    assert len(counts) == n_species
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 2
    assert sum(counts[: n_species // 10]) > 0.3 * n_recordings


def test_tail__whole_is_birdclefs() -> None:
    assert max(tail(N_RECORDINGS)) == 990


def test_tail__too_few_recordings_are_refused() -> None:
    with pytest.raises(ValueError, match="10 recordings are too few for 20 species"):
        tail(10, 20)


def test_reserve__is_a_source_and_no_two_recordings_are_alike(tmp_path: Path) -> None:
    whole = write_reserve(tmp_path / "whole", 40, n_species=10)
    part = part_of(whole, tmp_path / "split", 24, n_species=10)
    for root, n_recordings in ((whole, 40), (part, 24)):
        source = open_source(str(root))
        assert len(source.recordings) == n_recordings
        assert len(source.classes) == 10
        assert source.faults.empty
    sounds = [soundfile.read(path, dtype="int16")[0].tobytes() for path in (whole / "train_audio").rglob("*.flac")]
    assert len(set(sounds)) == 40


def test_ogg__keeps_its_length(tmp_path: Path) -> None:
    write_ogg(tmp_path / "song.ogg", song(2.5, 44_100, seed=0), 44_100)
    assert soundfile.info(tmp_path / "song.ogg").frames == 110_250


def test_growth__every_recording_goes_through_every_step(tmp_path: Path) -> None:
    source = write_reserve(tmp_path / "source", 30, n_species=6)
    config = growth.resolve(growth.preset_text("demo"))
    steps_s = growth.prepare(source, tmp_path / "work", config)
    assert list(steps_s) == ["ingest", "validate", "split", "featurize"]
    assert all(time_s > 0 for time_s in steps_s.values())
    shards = [read_frame(path) for path in (tmp_path / "work").glob("shard-*/recordings.parquet")]
    assert sorted(pd.concat(shards)["recording_id"]) == sorted(open_source(str(source)).recordings["recording_id"])


@pytest.fixture
def one_benchmark(monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    """A benchmark that finds what the test puts into the list."""
    found: list[Result] = []
    module = type(sys)("benchmarks.made_up")
    module.run = lambda quick: found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.made_up", module)
    monkeypatch.setattr(command, "NAMES", ("made_up",))
    return found


def test_command__a_miss_is_printed_and_costs_nothing_unless_asked(
    one_benchmark: list[Result], capsys: pytest.CaptureFixture[str]
) -> None:
    one_benchmark += [_result(2.5), _result(1.2)]
    assert command.main([]) == 0
    printed = capsys.readouterr().out
    assert "met" in printed
    assert "MISSED" in printed
    assert command.main(["--strict"]) == 1
    del one_benchmark[1]
    assert command.main(["--strict"]) == 0


def test_command__keeps_figures_machine_and_targets(one_benchmark: list[Result], tmp_path: Path) -> None:
    one_benchmark += [_result(1.2)]
    command.main(["made_up", "--out", str(tmp_path / "new" / "figures.json")])
    kept = json.loads((tmp_path / "new" / "figures.json").read_text())
    assert kept["results"] == [{**_result(1.2).to_dict(), "met": False}]
    where = kept["machine"]
    assert {"date", "processor", "n_cores", "memory_bytes", "threads_per_process", "versions"} <= set(where)
    assert not kept["quick"]


def test_bundle__of_the_environment_then_what_a_run_left_then_one_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SILENCIO_BENCH_BUNDLE", raising=False)
    assert trained_bundle() is None
    assert measured_bundle(tmp_path) == tmp_path / "placeholder"
    left = Path("out/demo/bundle")
    left.parent.mkdir(parents=True)
    write_placeholder_bundle(left)
    assert measured_bundle(tmp_path) == left
    monkeypatch.setenv("SILENCIO_BENCH_BUNDLE", str(tmp_path / "placeholder"))
    assert trained_bundle() == tmp_path / "placeholder"
    manifest = Bundle(left).manifest
    assert identity(left) == {"version": manifest.version, "manifest_sha256": manifest.manifest_sha256}


def test_command__an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["log_mell"])
    assert f"there is no benchmark log_mell: there are {', '.join(command.NAMES)}" in capsys.readouterr().err


def test_featurize__a_task_writes_its_shard_and_says_its_memory(tmp_path: Path) -> None:
    shards = featurize.tables(tmp_path / "work", n_shards=2, per_shard=3, duration_s=0.5)
    peak_mib = featurize.run_shards(shards[:1], at_once=2)
    assert len(peak_mib) == 1
    assert 50 < peak_mib[0] < 5_000
    written = read_frame(tmp_path / "work" / "shard-0" / "recordings.parquet")
    assert len(written) == 3
    assert not (tmp_path / "work" / "shard-1").exists()


def test_first_call__is_timed_in_a_process_of_its_own() -> None:
    assert 0.001 < answer(start("benchmarks.first_call", ["ours"])) < 60


def test_answer__a_process_that_fails_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="first_call"):
        answer(start("benchmarks.first_call", ["nobody"]))


def test_batching__runs() -> None:
    assert len(batching.run(quick=True)) == 2
