"""Loops and conditions whose nodes say what they do."""

from __future__ import annotations

from typing import Any

from kfp import dsl


class NamedLoop(dsl.ParallelFor):  # type: ignore[misc]  # kfp has no types
    """A loop whose node is called by a name instead of `for-loop-1`.

    With `dsl.ParallelFor(name=…)`, kfp 2.17 gives the node a label that is not its key. Drivers record what a loop made
    under the label and ask for it by the key, so that `dsl.Collected` finds nothing (kubeflow/pipelines, issue 13239).
    Here the key itself is the name, and so the label is the same.

    Args:
        items: What it runs over.
        name: Name of the node; no other node's in the pipeline.
        parallelism: How many items at once.
    """

    def __init__(self, items: Any, name: str, parallelism: int) -> None:
        super().__init__(items, parallelism=parallelism)
        self._key = name

    def _make_name_unique(self) -> None:
        super()._make_name_unique()  # counts the groups of the pipeline
        self.name = self._key


class NamedIf(dsl.If):  # type: ignore[misc]  # kfp has no types
    """A condition whose node is called by a name instead of `condition-1`, its key and its label alike.

    Args:
        condition: What has to hold, of one output of a step.
        name: Name of the node; no other node's in the pipeline.
    """

    def __init__(self, condition: Any, name: str) -> None:
        super().__init__(condition)
        self._key = name

    def _make_name_unique(self) -> None:
        super()._make_name_unique()  # counts the groups of the pipeline
        self.name = self._key
