"""docs/benchmarks.md says what the committed results say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").split())


def _results(name: str) -> list[dict[str, Any]]:
    text = (ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8")
    results: list[dict[str, Any]] = json.loads(text)["results"]
    return results


def test_memory__is_what_the_page_says() -> None:
    figures = sorted({round(one["value"]) for one in _results("memory")})
    assert all(one["met"] for one in _results("memory"))
    assert figures == [189, 190, 289]
    for figure in figures:
        assert f"{figure} MB" in PAGE


def test_day_long_recording__is_what_the_page_says() -> None:
    text = (ROOT / "benchmarks" / "results" / "proofs" / "day-long-recording.json").read_text(encoding="utf-8")
    found = json.loads(text)["result"]
    assert found["duration_s"] == 24 * 3600
    predict, batch = (round(found[name]["peak_pss_mb"]) for name in ("predict", "batch_score, one worker"))
    assert f"{predict} MB and {batch} MB" in PAGE


def test_request_admission__is_what_the_page_says() -> None:
    text = (ROOT / "benchmarks" / "results" / "proofs" / "request-admission.json").read_text(encoding="utf-8")
    found = json.loads(text)["result"]
    assert f"{found['recordings']} silent FLACs of ten minutes, {found['body_bytes'] / 1e6:.1f} MB" in PAGE
    for what, sentence in (
        ("headers are right", "within {:.1f} s and {:.1f} MiB; where"),
        ("headers say a tenth of a second", "within {:.1f} s and {:.1f} MiB."),
    ):
        ways = [found[f"{way}, {what}"] for way in ("REST", "REST, chunked", "gRPC")]
        assert all("longer than 600 s together" in one["answer"] for one in ways)
        took_s, more_mib = max(one["took_s"] for one in ways), max(one["pss_more_mib"] for one in ways)
        assert took_s <= 5
        assert more_mib <= 50
        assert sentence.format(took_s, more_mib) in PAGE


def test_training__is_what_the_page_says() -> None:
    (result,) = _results("training")
    found = result["details"]
    assert result["met"]
    assert f"{result['value']:.2f} times as long as alone" in PAGE
    assert f"{found['beside_s']:.2f} s against {found['alone_s']:.2f} s" in PAGE
    assert f"took {found['spinning_beside_s']:.2f} s there and {found['spinning_alone_s']:.2f} s alone" in PAGE


def test_suite_under_load__is_what_the_page_says() -> None:
    text = (ROOT / "benchmarks" / "results" / "proofs" / "suite-under-load.json").read_text(encoding="utf-8")
    found = json.loads(text)["result"]
    total = found["total"]
    assert found["n_busy_loops"] == 4
    assert total["failures"] == total["errors"] == 0
    assert f"{total['tests']:,} tests, of which 0 failed and {total['skipped']} were skipped" in PAGE
    # All of the suite: no folder with tests is missing.
    folders = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in (ROOT / "tests").rglob("test_*.py")}
    assert {name for name in folders if not any(name.startswith(done) for done in found["by_folder"])} == set()


def test_prediction_log__is_what_the_page_says() -> None:
    throughput, processor, statistics = _results("prediction_log")
    pairs = throughput["details"]["ratios"]
    assert f"{throughput['value']:.3f} times as many requests" in PAGE
    assert f"pairs from {min(pairs):.3f} to {max(pairs):.3f}" in PAGE
    assert f"at {processor['value']:.3f} times the processor time of a request (target 1.03, **missed**)" in PAGE
    assert f"costs is {processor['reference'].partition(' ms')[0]} ms" in PAGE
    assert f"takes {statistics['details']['statistics_us']:.0f} µs, {statistics['value']:.3f} times its log-mel" in PAGE
    assert [one["met"] for one in (throughput, processor, statistics)] == [True, False, True]


def test_canary__is_what_the_page_says() -> None:
    added, share, stayed, lost = _results("canary")
    assert f"adds {added['value']:.2f} ms to the p50" in PAGE
    assert f"at most {share['value']:.2f} points" in PAGE
    assert (stayed["value"], lost["value"]) == (0, 0)
    assert f"lost none of {lost['ours'].split()[0]}." in PAGE
    assert all(one["met"] for one in (added, share, stayed, lost))
