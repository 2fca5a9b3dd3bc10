"""One shard in a process of its own, as a pipeline's pod does it; prints its peak memory in MiB, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from silencio.data.config import DataConfig
from silencio.steps import featurize


def peak_mib() -> float:
    """Most memory that this process had, in MiB; `getrusage` would answer with that of whoever started it, if more."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


if __name__ == "__main__":
    config, usable, assignment, shard, directory = sys.argv[1:]
    if shard != "none":  # else what a process costs that has nothing to do
        inputs = featurize.Inputs(DataConfig.of_part(config), int(shard), Path(usable), Path(assignment))
        featurize.run(inputs, featurize.Outputs(Path(directory)))
    sys.stdout.write(json.dumps(peak_mib()))
