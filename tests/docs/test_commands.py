"""The pages' commands as a newcomer types them, page after page, in one clone (tests/docs/pages.py has the rules)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from silencio.data.versions import data_table
from silencio.export.bundle import Origin, export_bundle
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import fit_ensemble
from silencio.training.fit import fit_head
from tests.conftest import TinyData
from tests.docs.clone import Clone, furnish, register
from tests.docs.pages import PAGES, VerdictError, blocks

pytestmark = pytest.mark.docs

# `quick`: what `.ci/run` has time for.
_IS_QUICK = os.environ.get("SILENCIO_DOCS_BLOCKS") == "quick"


def _is_run(page: Path) -> bool:
    try:
        return any(block.is_run and not (_IS_QUICK and block.is_slow) for block in blocks(page))
    except VerdictError:
        return True  # and fails, with its words


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = Clone(tmp_path_factory.mktemp("newcomer"))
    try:
        yield clone
    finally:
        clone.close()


@pytest.fixture(scope="module")
def bundle(tiny_data: TinyData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a newcomer has after README's first training, of the very recordings that lie in FOLDER."""
    folder = tmp_path_factory.mktemp("trained")
    fit_head("raw_cnn", tiny_data.config, tiny_data.development, tiny_data.classes, folder / "raw_cnn")
    heads = [TrainedHead.load(folder / "raw_cnn")]
    of_run = (tiny_data.recordings, tiny_data.config, tiny_data.classes)
    ensemble = fit_ensemble(heads, *of_run)
    origin = Origin(
        data=data_table(tiny_data.recordings.drop(columns="split"), tiny_data.recordings.assign(group_id="own")),
        split_history=tiny_data.recordings[["recording_id", "sha256", "primary_label", "split"]].assign(group_id="own"),
        licences={"CC BY 4.0": len(tiny_data.recordings)},
        parents={"data_fingerprint": "0" * 64, "code_version": "test"},
    )
    made = (heads, ensemble, calibrate_ensemble(ensemble, *of_run), tiny_data.development, origin)
    export_bundle(*made, *of_run[1:], folder / "bundle")
    return folder / "bundle"


@pytest.mark.parametrize("page", [page for page in PAGES if _is_run(page)], ids=lambda page: page.name)
def test_page__its_commands_do_what_it_says(page: Path, clone: Clone, tiny_data: TinyData, bundle: Path) -> None:
    furnish(clone, tiny_data.root, bundle)
    if page.name != "README.md":
        clone.activate()
    if page.name == "tracking.md" and not _IS_QUICK:
        register(clone, bundle)
    try:
        for block in blocks(page):
            if not (_IS_QUICK and block.is_slow):
                clone.run(block)
    finally:
        clone.stop()
