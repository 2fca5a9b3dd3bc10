"""bundle.json: a bundle's description of itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from silencio.encoders.spec import EMBEDDING, EncoderSpec
from silencio.errors import BundleError, BundleIntegrityError
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList

FORMAT: Literal[1] = 1
MANIFEST = "bundle.json"
GRAPH = "model.onnx"
PARITY = "parity.npz"
REFERENCE = "reference.parquet"
# Of the reference, before a species' code: its probability.
PROBABILITY = "p_"
DATA = "data.parquet"
SPLIT_HISTORY = "split.parquet"
MODEL_CARD = "MODEL_CARD.md"
# Of all the others, and so in no list of files: `silencio.bundle.signature`.
SIGNATURE = "model.sig"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GraphInput(_Entry):
    """One named input of the graph.

    Attributes:
        name: `log_mel`, `waveform`, or `embedding:` and an encoder's name.
        dtype: numpy's name.
        shape: Shape of one window, without the batch.
    """

    name: str = Field(pattern=r"^(log_mel|waveform|embedding:[a-z0-9_]+)$")
    dtype: Literal["float32", "int16"]
    shape: tuple[int, ...]


class EncoderEntry(EncoderSpec):
    """A frozen embedding model in the bundle.

    Attributes:
        file: File of the bundle, below `encoders/`.
        title: What people call it.
        licence: Licence of its weights.
        source: Where the weights come from.
    """

    file: str = Field(pattern=r"^encoders/[A-Za-z0-9_.-]+$")
    title: str = ""
    licence: str = ""
    source: str = ""


class HeadEntry(_Entry):
    """One head inside the graph.

    Attributes:
        name: Name in the configuration.
        kind: Name in the registry.
        input_name: What it takes; several inputs are joined by `+`.
        weight: Its share in the supervisor's average.
        n_parameters: Number of parameters after merging.
        config: As it was trained.
    """

    name: str
    kind: str
    input_name: str
    weight: float
    n_parameters: int
    config: dict[str, Any]


class Tolerances(_Entry):
    """Largest absolute differences that still count as the same number.

    Attributes:
        torch_to_onnx: Largest difference of a probability, between training and the exported graph.
        cpu: Largest difference of a probability, between the machine that exported and one that loads; an int8 graph
            has a larger one.
        log_mel: Largest difference of a cell of the log-mel, between the two.
    """

    torch_to_onnx: float = 1e-4
    cpu: float = 1e-5
    log_mel: float = 1e-4


class BundleManifest(_Entry):
    """The whole of bundle.json.

    Attributes:
        format: Version of this layout.
        name: Name of the served model.
        version: Version of this bundle: data, split, configuration, code and weights, hashed. The candidate and the
            bundle that was sealed with its verdict have the same; `manifest_sha256` tells them apart.
        created_by: What wrote the bundle, with its version.
        spec: How sound becomes numbers.
        spec_sha256: SHA-256 of `spec`.
        inputs: What the graph is fed.
        encoders: What makes embeddings of `waveform`, where the graph is fed any.
        classes: What the graph's outputs mean, in order.
        classes_sha256: SHA-256 of `classes`.
        heads: What is inside the graph.
        supervisor: How the heads become one, with its parameters.
        calibration: `kind`, and one `scale` and `offset` a class; the graph holds them already.
        thresholds: By code, the probability from which on the species counts as named; loaders want one a class.
        metrics: Metrics by split; those of the test set come with the verdict.
        verdict: Whether the gates let it pass, the messages of those that did not, and every gate with its outcome;
            empty before they were applied.
        precision: Precision of the graph.
        tolerances: What parity means.
        parents: data fingerprint, split, configuration, git commit, image digest.
        licences: Licences of data and weights, and what they allow.
        files: sha256 of every other file; loaders refuse a folder that holds files which are not listed.
        manifest_sha256: SHA-256 of all of the above: identity of the whole bundle, since `files` has the rest.
    """

    format: Literal[1] = FORMAT
    name: str = "silencio"
    version: str
    created_by: str
    spec: FeatureSpec
    spec_sha256: str
    inputs: tuple[GraphInput, ...] = Field(min_length=1)
    encoders: tuple[EncoderEntry, ...] = ()
    classes: ClassList
    classes_sha256: str
    heads: tuple[HeadEntry, ...] = Field(min_length=1)
    supervisor: dict[str, Any]
    calibration: dict[str, Any] = Field(default_factory=dict)
    thresholds: dict[str, float] = Field(default_factory=dict)
    metrics: dict[str, Any]
    verdict: dict[str, Any] = Field(default_factory=dict)
    precision: Literal["fp32", "int8"] = "fp32"
    tolerances: Tolerances = Tolerances()
    parents: dict[str, str]
    licences: dict[str, Any]
    files: dict[str, str]
    manifest_sha256: str = ""

    @property
    def sent_inputs(self) -> tuple[GraphInput, ...]:
        """What whoever runs graph and encoders is sent: an embedding is made there, of the waveform."""
        return sent_inputs(self.inputs, self.spec)

    # A stored bundle keeps the names that it was sealed with: its own sha256 is of them.

    @property
    def n_folds(self) -> int:
        """Folds by which all recordings were evaluated; 0: test recordings were held out."""
        return int(self.metrics.get("n_folds", 0))

    @property
    def test_set(self) -> str:
        """Names the test recordings that the metrics are of; empty where it was not kept."""
        return str(self.metrics.get("test_set", self.metrics.get("test_part", "")))

    @property
    def bundle_row(self) -> str:
        """The row of `metrics["test_by_row"]` that is this bundle's; empty before it was evaluated."""
        return str(self.metrics.get("bundle_row", self.metrics.get("judged", "")))

    @property
    def failed_gates(self) -> list[str]:
        """The messages of the gates that did not let it pass."""
        return list(self.verdict.get("failed_gates", self.verdict.get("refusals", [])))

    def sealed(self) -> BundleManifest:
        """With `manifest_sha256` filled in."""
        return self.model_copy(update={"manifest_sha256": self.own_sha256()})

    def own_sha256(self) -> str:
        """What `manifest_sha256` must be."""
        content = self.model_dump(mode="json", exclude={"manifest_sha256"})
        if not self.encoders:  # bundles from before there were any keep their name
            del content["encoders"]
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sent_inputs(inputs: tuple[GraphInput, ...], spec: FeatureSpec) -> tuple[GraphInput, ...]:
    """The graph's inputs with `waveform` in place of every embedding, once.

    Args:
        inputs: Inputs of the graph.
        spec: Feature spec of the windows.
    """
    sent = [entry for entry in inputs if not entry.name.startswith(EMBEDDING)]
    if len(sent) < len(inputs) and not any(entry.name == "waveform" for entry in sent):
        sent.append(GraphInput(name="waveform", dtype="int16", shape=(spec.window_samples,)))
    return tuple(sent)


def read_manifest(directory: Path) -> BundleManifest:
    """A bundle's description of itself; whether it is true is `silencio.bundle.load.Bundle`'s to check.

    Raises:
        BundleError: The folder holds none.
        BundleIntegrityError: It cannot be read.
    """
    path = directory / MANIFEST
    if not path.is_file():
        raise BundleError(f"{directory} is no bundle: it holds no {MANIFEST}")
    try:
        return BundleManifest.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise BundleIntegrityError(f"{MANIFEST} cannot be read: {place}: {fault['msg']}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleIntegrityError(f"{MANIFEST} cannot be read: {error}") from error
