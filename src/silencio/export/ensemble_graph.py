"""The graph of a bundle, from torch: heads, supervisor and calibration as one ONNX model."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from silencio.bundle.graph import OUTPUT
from silencio.bundle.manifest import GraphInput
from silencio.errors import BundleError
from silencio.evaluation.calibration import MAX_PROBABILITY, MIN_PROBABILITY, Calibration
from silencio.features import FeatureSpec
from silencio.models.head import Loss, probabilities
from silencio.models.supervisor import Supervisor
from silencio.taxonomy import ClassList


class CalibrationLayer(nn.Module):
    """`silencio.evaluation.calibration.Calibration` as a module; any (…, n_classes)."""

    scale: torch.Tensor
    offset: torch.Tensor

    def __init__(self, calibration: Calibration) -> None:
        super().__init__()
        self.changes = calibration.kind != "none"
        self.register_buffer("scale", torch.tensor(calibration.scale, dtype=torch.float32))
        self.register_buffer("offset", torch.tensor(calibration.offset, dtype=torch.float32))

    def forward(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Probabilities to calibrated ones."""
        if not self.changes:
            return probabilities
        kept = probabilities.clamp(MIN_PROBABILITY, MAX_PROBABILITY)
        return torch.sigmoid(self.scale * (torch.log(kept) - torch.log1p(-kept)) + self.offset)


class EnsembleGraph(nn.Module):
    """Heads, supervisor and calibration as one module from named inputs to probabilities.

    Args:
        heads: Heads in the form in which they are exported.
        inputs: What each of them takes.
        losses: What each head's logits mean.
        supervisor: Joins their probabilities.
        calibration: Maps them to calibrated probabilities.
    """

    def __init__(
        self,
        heads: Sequence[nn.Module],
        inputs: Sequence[Sequence[str]],
        losses: Sequence[Loss],
        supervisor: Supervisor[Any],
        calibration: Calibration,
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.inputs_of_head = [tuple(names) for names in inputs]
        self.losses = list(losses)
        self.supervisor = supervisor
        self.calibration = CalibrationLayer(calibration)
        # `embedding:…` before `log_mel` before `waveform`: the same whatever the order of the heads.
        self.input_names = sorted({name for names in inputs for name in names})

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        """Inputs in the order of `input_names`, each (batch, …), to probabilities (batch, n_classes)."""
        named = dict(zip(self.input_names, values, strict=True))
        scores = [
            probabilities(head(*(named[name] for name in names)), loss)
            for head, names, loss in zip(self.heads, self.inputs_of_head, self.losses, strict=True)
        ]
        return self.calibration(self.supervisor(torch.stack(scores)))  # type: ignore[no-any-return]  # a module's call is untyped


def write_graph(
    module: EnsembleGraph, inputs: tuple[GraphInput, ...], spec: FeatureSpec, classes: ClassList, path: Path
) -> None:
    """Export to ONNX with a dynamic batch, and write spec and classes into the graph itself.

    Args:
        module: Module in evaluation mode.
        inputs: The graph's inputs.
        spec: Feature spec whose sha256 the graph carries.
        classes: Class list whose codes the graph carries.
        path: Path of the file.
    """
    # A traced batch of one would be taken for a constant.
    example = tuple(torch.zeros((2, *entry.shape), dtype=getattr(torch, entry.dtype)) for entry in inputs)
    batch = torch.export.Dim("batch", min=1, max=4096)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            example,
            dynamo=True,
            input_names=[entry.name for entry in inputs],
            output_names=[OUTPUT],
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise BundleError("torch.onnx.export returned no program")
    model = program.model_proto
    onnx.helper.set_model_props(
        model,
        {
            "spec_sha256": spec.sha256,
            "classes_sha256": classes.sha256,
            "codes": json.dumps(list(classes.codes)),
        },
    )
    onnx.save(model, path)
