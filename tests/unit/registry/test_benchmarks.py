"""Files of `make bench`: figures are believed where they say of which bundle and machine they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from silencio.errors import RegistryError
from silencio.registry.benchmarks import Benchmarks
from tests.unit.registry.places import write_bench

ROOT = Path(__file__).parents[3]
FIGURES = (("p50", 8.25, "b1"), ("p95", 9.5, "b1"), ("p50", 2.0, "b2"), ("growth", 1.04, None))


def test_load__figures_by_the_bundle_that_was_measured(tmp_path: Path) -> None:
    found = Benchmarks.load(write_bench(tmp_path / "bench.json", *FIGURES))
    assert found.figures == {"b1": {"p50 [ms]": 8.25, "p95 [ms]": 9.5}, "b2": {"p50 [ms]": 2.0}}
    assert found.n_figures == 4
    assert found.machine == "AMD EPYC, 2 cores, 24 GiB, 2026-11-29 17:09 UTC"
    assert found.of_bundle("b2") == {"p50 [ms]": 2.0}


@pytest.mark.parametrize("bundle_version", ["b3", ""])
def test_of_bundle__of_a_bundle_that_was_not_measured_there_are_none(tmp_path: Path, bundle_version: str) -> None:
    found = Benchmarks.load(write_bench(tmp_path / "bench.json", *FIGURES))
    with pytest.raises(
        RegistryError, match=r"measured on bundle b1, b2, the version is bundle .*SILENCIO_BENCH_BUNDLE"
    ):
        found.of_bundle(bundle_version)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"quick": True}, "measured with --quick, and such figures mean nothing"),
        ({"machine": {"processor": "AMD EPYC", "n_cores": 2, "date": "x"}}, r"on which machine .*\(memory_bytes\)"),
        ({"machine": None}, r"on which machine .*\(processor, n_cores, memory_bytes, date\)"),
        ({"results": [{"what": "p50", "value": 1.0, "unit": "ms"}]}, "does not say which bundle"),
        ({"results": []}, "does not say which bundle"),
        ({"results": [{"what": "p50"}]}, "is no JSON of `make bench`"),
        ({"results": [{"what": "p50", "value": 1.0, "unit": "ms", "bundle": {}}]}, "does not say which bundle"),
        ({"results": [{"what": "p50", "value": 1.0, "unit": "ms", "bundle": "b1"}]}, "is no JSON of `make bench`"),
    ],
)
def test_load__what_nobody_could_check_is_refused(tmp_path: Path, changes: dict[str, object], why: str) -> None:
    file = write_bench(tmp_path / "bench.json", *FIGURES, **changes)
    with pytest.raises(RegistryError, match=why):
        Benchmarks.load(file)


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_load__what_is_no_bench_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bench.json").write_text(text)
    with pytest.raises(RegistryError, match="is no JSON of `make bench`"):
        Benchmarks.load(tmp_path / "bench.json")


@pytest.mark.parametrize("name", ["serving", "memory"])
def test_load__committed_figures_from_before_say_too_little(name: str) -> None:
    file = ROOT / "benchmarks" / "results" / f"{name}.json"
    if "memory_bytes" in json.loads(file.read_text(encoding="utf-8"))["machine"]:
        pytest.skip("measured anew")
    with pytest.raises(RegistryError, match="does not say on which machine"):
        Benchmarks.load(file)
