"""What runs is what the process was started with, not what someone would like it to be."""

import pytest

from silencio import __version__
from silencio.provenance import what_runs


def test_what_runs__is_what_image_and_graph_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_CODE_VERSION", "abc123")
    monkeypatch.setenv("SILENCIO_IMAGE", "silencio/train:1")
    assert what_runs() == {"code_version": "abc123", "image": "silencio/train:1"}


def test_what_runs__an_image_that_was_built_without_a_commit_claims_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SILENCIO_IMAGE", raising=False)
    monkeypatch.setenv("SILENCIO_CODE_VERSION", "")  # a build argument that was not given
    assert what_runs() == {"code_version": f"{__version__} (commit unknown)", "image": "unknown"}
