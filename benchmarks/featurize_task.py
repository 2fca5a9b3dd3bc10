"""One shard in a process of its own, as a pipeline's pod does it; prints its peak memory in MiB, as JSON."""

from __future__ import annotations

import json
import resource
import sys

from silencio.config import RunConfig
from silencio.steps.featurize import featurize_shard

if __name__ == "__main__":
    config, usable, assignment, shard, directory = sys.argv[1:]
    if shard != "none":  # else what a process costs that has nothing to do
        featurize_shard(RunConfig.load(config), int(shard), usable, assignment, directory)
    sys.stdout.write(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
