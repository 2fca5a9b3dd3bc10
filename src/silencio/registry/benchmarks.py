"""Files of `make bench`: which measurements in them are of a version's bundle, and on which machine they were made."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from silencio.errors import RegistryError

_MACHINE = ("processor", "n_cores", "memory_bytes", "date")
_AGAIN = "measure the version's bundle: registry fetch, then SILENCIO_BENCH_BUNDLE=BUNDLE make bench"


class MeasuredBundle(NamedTuple):
    """Which bundle: `version` names what it was made of, `manifest_sha256` every byte of it.

    Attributes:
        version: Version of the bundle.
        manifest_sha256: SHA-256 of its `bundle.json`; a bundle that was evaluated anew has another one.
    """

    version: str
    manifest_sha256: str

    def __str__(self) -> str:
        return f"{self.version or 'of no known version'} (manifest_sha256 {self.manifest_sha256[:12] or 'unknown'})"


@dataclass(frozen=True)
class Benchmarks:
    """What a file of `make bench` holds.

    Attributes:
        path: Path of the file.
        machine: Machine on which it was measured, and when.
        metrics: Metrics by the bundle that was measured, by name with unit.
        n_metrics: All of the file's; those without a bundle are of no version.
    """

    path: Path
    machine: str
    metrics: Mapping[MeasuredBundle, Mapping[str, float]]
    n_metrics: int

    @classmethod
    def load(cls, path: Path) -> Benchmarks:
        """Read a file.

        Raises:
            RegistryError: It is no file of `make bench`, one of `--quick`, or does not say on which machine and bundle
                it was measured.
        """
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            results = [(f"{one['what']} [{one['unit']}]", float(one["value"]), one) for one in facts["results"]]
            machine, is_quick = facts.get("machine") or {}, facts.get("quick")
            lacking = [name for name in _MACHINE if not machine.get(name)]
            metrics: dict[MeasuredBundle, dict[str, float]] = defaultdict(dict)
            for name, value, one in results:
                if bundle := one.get("bundle"):
                    metrics[MeasuredBundle(bundle["version"], bundle["manifest_sha256"])][name] = value
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RegistryError(f"{path} is no JSON of `make bench` ({error})") from error
        if is_quick:
            raise RegistryError(f"{path} was measured with --quick, and such numbers mean nothing: {_AGAIN}")
        if lacking:
            raise RegistryError(
                f"{path} does not say on which machine it was measured ({', '.join(lacking)}): {_AGAIN}"
            )
        if not metrics:
            raise RegistryError(f"{path} does not say which bundle it was measured on: {_AGAIN}")
        return cls(path, _in_words(machine), dict(metrics), len(results))

    def of_bundle(self, bundle: MeasuredBundle) -> Mapping[str, float]:
        """Measurements that were made on a bundle.

        Raises:
            RegistryError: There are none.
        """
        if bundle not in self.metrics:
            raise RegistryError(
                f"{self.path} was measured on bundle {', '.join(map(str, sorted(self.metrics)))}, the version is "
                f"bundle {bundle}: {_AGAIN}"
            )
        return self.metrics[bundle]


def _in_words(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['processor']}, {machine['n_cores']} cores, {machine['memory_bytes'] / (1 << 30):.0f} GiB, "
        f"{machine['date']}"
    )
