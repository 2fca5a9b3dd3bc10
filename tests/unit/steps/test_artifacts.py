"""Artifacts as steps take them."""

from __future__ import annotations

from pathlib import Path

from kfp import dsl

from silencio.steps.artifacts import path_if_given


def test_path_if_given__of_an_input_that_the_graph_has_nothing_for() -> None:
    # KFP hands None to a component whose optional input has no artifact.
    assert path_if_given(None) is None
    assert path_if_given(dsl.Artifact(uri="/runs/1/evaluation")) == Path("/runs/1/evaluation")
