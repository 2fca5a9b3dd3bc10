"""A predictor whose environment cannot run a bundle's encoders ends at once, with one sentence that says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.predictor.model import check_runtimes_of
from tests.litert_bundle import write_litert_bundle
from tests.waiting import HANG_S

# What an image without the package has: nothing that Python would find under the name.
_WITHOUT_LITERT = """\
import sys


class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ai_edge_litert":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Without())
"""


@pytest.fixture
def path_without_litert(tmp_path: Path) -> str:
    """A PYTHONPATH by which every interpreter starts without the package."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(_WITHOUT_LITERT)
    return os.pathsep.join(filter(None, [str(tmp_path / "without"), os.environ.get("PYTHONPATH")]))


def test_predictor__without_what_runs_an_encoder_ends_with_one_sentence(
    tmp_path: Path, path_without_litert: str
) -> None:
    bundle = write_litert_bundle(tmp_path / "bundle")
    done = subprocess.run(
        [sys.executable, "-m", "serving.predictor", "--bundle", str(bundle)],
        env=os.environ | {"PYTHONPATH": path_without_litert},
        check=False,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 1, done.stderr
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("error: ")]
    assert done.stderr.splitlines()[-1] == line and "Traceback" not in done.stderr
    assert line.startswith("error: bundle 0-placeholder needs LiteRT for placeholder, and this environment (")
    assert "[litert]" in line and "`predictor` of `make images`" in line


def test_check_runtimes_of__what_is_no_bundle_is_left_to_the_server_that_stays_up_and_says_so(tmp_path: Path) -> None:
    check_runtimes_of(tmp_path)
    (tmp_path / "bundle.json").write_text("{")
    check_runtimes_of(tmp_path)
