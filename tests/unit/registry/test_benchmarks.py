"""Files of `make bench`: figures are believed where they say of which bundle and machine they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.errors import RegistryError
from silencio.registry.benchmarks import Benchmarks, MeasuredBundle
from tests.unit.registry.places import write_bench

B1, B2 = MeasuredBundle("b1", "1" * 64), MeasuredBundle("b2", "2" * 64)
METRICS = (("p50", 8.25, B1), ("p95", 9.5, B1), ("p50", 2.0, B2), ("growth", 1.04, None))


def test_load__figures_by_the_bundle_that_was_measured(tmp_path: Path) -> None:
    found = Benchmarks.load(write_bench(tmp_path / "bench.json", *METRICS))
    assert found.metrics == {B1: {"p50 [ms]": 8.25, "p95 [ms]": 9.5}, B2: {"p50 [ms]": 2.0}}
    assert found.n_metrics == 4
    assert found.machine == "AMD EPYC, 2 cores, 24 GiB, 2026-11-29 17:09 UTC"
    assert found.of_bundle(B2) == {"p50 [ms]": 2.0}


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        (MeasuredBundle("b3", "3" * 64), "b3 (manifest_sha256 333333333333)"),
        # The same network, evaluated anew: who may serve it was decided by other metrics.
        (B1._replace(manifest_sha256="3" * 64), "b1 (manifest_sha256 333333333333)"),
        (MeasuredBundle("", ""), "of no known version (manifest_sha256 unknown)"),
    ],
)
def test_of_bundle__of_a_bundle_that_was_not_measured_there_are_none(
    tmp_path: Path, bundle: MeasuredBundle, words: str
) -> None:
    found = Benchmarks.load(write_bench(tmp_path / "bench.json", *METRICS))
    with pytest.raises(RegistryError) as raised:
        found.of_bundle(bundle)
    measured = "b1 (manifest_sha256 111111111111), b2 (manifest_sha256 222222222222)"
    assert f"measured on bundle {measured}, the version is bundle {words}: " in str(raised.value)
    assert "SILENCIO_BENCH_BUNDLE" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"quick": True}, "measured with --quick, and such numbers mean nothing"),
        ({"machine": {"processor": "AMD EPYC", "n_cores": 2, "date": "x"}}, r"on which machine .*\(memory_bytes\)"),
        ({"machine": None}, r"on which machine .*\(processor, n_cores, memory_bytes, date\)"),
        ({"results": [{"what": "p50", "value": 1.0, "unit": "ms"}]}, "does not say which bundle"),
        ({"results": []}, "does not say which bundle"),
        ({"results": [{"what": "p50"}]}, "is no JSON of `make bench`"),
        ({"results": [{"what": "p50", "value": 1.0, "unit": "ms", "bundle": {}}]}, "does not say which bundle"),
        ({"results": [{"what": "p50", "value": 1.0, "unit": "ms", "bundle": "b1"}]}, "is no JSON of `make bench`"),
        ({"results": [{"what": "p50", "value": 1.0, "unit": "ms", "bundle": {"version": "b1"}}]}, "manifest_sha256"),
    ],
)
def test_load__what_nobody_could_check_is_refused(tmp_path: Path, changes: dict[str, object], why: str) -> None:
    file = write_bench(tmp_path / "bench.json", *METRICS, **changes)
    with pytest.raises(RegistryError, match=why):
        Benchmarks.load(file)


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_load__what_is_no_bench_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bench.json").write_text(text)
    with pytest.raises(RegistryError, match="is no JSON of `make bench`"):
        Benchmarks.load(tmp_path / "bench.json")


def test_load__of_before_machine_and_bundle_were_kept_says_too_little(tmp_path: Path) -> None:
    # As files were that people may still have: memory by no number, the bundle in words among the details.
    machine = {"date": "2026-11-27 03:34 UTC", "processor": "AMD EPYC", "n_cores": 2, "python": "3.11.7"}
    one = {"what": "p95", "value": 214.0, "unit": "ms", "details": {"bundle": "62 classes, int8"}, "met": True}
    file = write_bench(tmp_path / "bench.json", machine=machine, results=[one])
    with pytest.raises(RegistryError, match=r"does not say on which machine it was measured \(memory_bytes\)"):
        Benchmarks.load(file)
