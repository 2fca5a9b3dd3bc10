"""docs/releasing_kserve.md against the code that it describes."""

from __future__ import annotations

import re
from pathlib import Path

from serving.canary.kserve import lease, predictors, route, store
from serving.canary.kserve.targets import METRICS_PORT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "releasing_kserve.md").read_text(encoding="utf-8")


def test_page__has_the_figures_of_the_code() -> None:
    assert f"{lease.DURATION_S} s, renewed every {lease.RENEW_S:g} s" in PAGE
    assert f"succeeded after {1.25 * lease.DURATION_S:g} s" in PAGE
    assert f"beyond {store.MAX_RECORD_BYTES >> 10} KiB" in PAGE
    assert f"up to {route._MAX_CONFLICTS} times" in PAGE
    assert f"(port {METRICS_PORT}, or `--http_port`)" in PAGE
    assert f"`{predictors.RELEASE_LABEL}`" in PAGE


def test_page__names_files_that_are_there() -> None:
    named = set(re.findall(r"`(manifests/release/[a-z.-]+)`", PAGE)) | {"manifests/release/prometheus.yml"}
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "manifests" / "release").iterdir()}
    assert named == shipped
