"""The JSON schema of release.json: docs/release.schema.json is what this prints.

.venv/bin/python -m silencio.reports.release.schema > docs/release.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

from silencio.bundle.schema import described_schema
from silencio.reports.release import comparison_facts, facts
from silencio.reports.release.comparison_facts import Fact
from silencio.reports.release.facts import ReleaseFacts


def release_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of release.json; every description is the one in the code."""
    parts = [
        one
        for module in (facts, comparison_facts)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Fact) and one is not Fact
    ]
    return described_schema(ReleaseFacts, tuple(dict.fromkeys(parts)))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(release_schema(), indent=1, ensure_ascii=False) + "\n")
