"""The configuration of a whole run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    Field,
    SerializeAsAny,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from silencio.config.layers import explain, mapping, merged, parsed_override
from silencio.config.renamed import refuse_renamed
from silencio.config.sections import DistillationConfig, EvaluationConfig, ExportConfig, StackingConfig
from silencio.data.config import DataConfig
from silencio.errors import ConfigError
from silencio.evaluation.calibration import CalibrationConfig
from silencio.evaluation.gate_policy import REPLACE, layered_policy
from silencio.evaluation.gates import GatePolicy
from silencio.evaluation.thresholds import ThresholdConfig
from silencio.models.head import HeadConfig
from silencio.models.registry import head_class, supervisor_class
from silencio.models.supervisor import SupervisorConfig

STUDENT: Literal["student"] = "student"
# Rows of an evaluation that are no heads.
_TAKEN = ("ensemble", "champion")
DEFAULT_SUPERVISOR = "weighted_average"
Release = Literal["ensemble", "student"]


class RunConfig(DataConfig):
    """Everything that decides what a training run makes of its data.

    Attributes:
        seed: Seed of initial weights, crops and augmentation.
        heads: Heads by name; a name that is no registered kind says its `kind`.
        supervisor: How the heads' probabilities become one.
        stacking: What the supervisor learns from, and whether it is used.
        student: One head that learns the ensemble's predictions, for a bundle of its own; `effnet_lora` where its
            `kind` is not set.
        distillation: What it learns.
        release: Which bundle is registered where there are two; by default the student: a student is configured for
            its speed, and has to pass the same gates.
        calibration: How probabilities are calibrated.
        thresholds: Probability from which on a species is named.
        export: What goes into the bundle.
        evaluation: How the test set is evaluated.
        gates: What a model must show before it is registered: the policy that ships, with what is set here laid over
            it; with `replace: true` this is a whole policy. Written out, it always is one.
    """

    seed: int = Field(0, ge=0, lt=2**32)
    heads: dict[str, SerializeAsAny[HeadConfig]] = Field(min_length=1)
    supervisor: SerializeAsAny[SupervisorConfig] = Field(default_factory=lambda: _default_supervisor())
    stacking: StackingConfig = StackingConfig()
    student: SerializeAsAny[HeadConfig] | None = None
    distillation: DistillationConfig = DistillationConfig()
    release: Release | None = None
    calibration: CalibrationConfig = CalibrationConfig()
    thresholds: ThresholdConfig = ThresholdConfig()
    export: ExportConfig = ExportConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    gates: GatePolicy = Field(default_factory=GatePolicy.shipped)

    @field_validator("heads", mode="before")
    @classmethod
    def _typed_heads(cls, heads: Any) -> Any:
        if not isinstance(heads, Mapping):
            raise ValueError("must be a mapping of names to heads")
        return {name: _typed_head(name, head) for name, head in heads.items()}

    @field_validator("supervisor", mode="before")
    @classmethod
    def _typed_supervisor(cls, supervisor: Any) -> Any:
        return _typed(supervisor, DEFAULT_SUPERVISOR, lambda kind: supervisor_class(kind).Config, "supervisor")

    @field_validator("student", mode="before")
    @classmethod
    def _typed_student(cls, student: Any) -> Any:
        return None if student is None else _typed_head("effnet_lora", student, STUDENT)

    @field_validator("gates", mode="before")
    @classmethod
    def _whole_policy(cls, gates: Any) -> Any:
        if isinstance(gates, GatePolicy):
            return gates
        try:
            policy = layered_policy([gates])
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return {name: value for name, value in policy.items() if name != REPLACE}

    @field_serializer("gates")
    def _marked_as_whole(self, gates: GatePolicy) -> dict[str, Any]:
        return {REPLACE: True, **gates.model_dump(mode="json")}

    @model_validator(mode="before")
    @classmethod
    def _encoders_of_heads(cls, values: Any) -> Any:
        """A head's encoder is used with its defaults where `encoders` does not list it."""
        if not isinstance(values, Mapping) or not isinstance(heads := values.get("heads"), Mapping):
            return values
        if not isinstance(configured := values.get("encoders") or {}, Mapping):
            return values  # the field's own check says so
        named = [encoder for name, head in heads.items() for encoder in _encoder_names(name, head)]
        if values.get(STUDENT) is not None:
            named += _encoder_names("effnet_lora", values[STUDENT])
        return {**values, "encoders": {**dict.fromkeys(named), **configured}} if named else values

    @model_validator(mode="after")
    def _names_are_node_names(self) -> Self:
        for name in self.heads:
            if not name.replace("_", "").isalnum() or not name[0].isalpha() or not name.isascii():
                raise ValueError(f"heads.{name}: a head's name is letters, digits and underscores")
            if name in _TAKEN:
                raise ValueError(f"heads.{name}: the name is taken by what heads are compared with; give it another")
        return self

    @model_validator(mode="after")
    def _student_is_one(self) -> Self:
        if self.student and STUDENT in self.heads:
            raise ValueError(f"heads.{STUDENT}: the name is taken by the student of the run; give the head another")
        if self.release == STUDENT and not self.student:
            raise ValueError("release: student, but there is none: configure `student`, or release the ensemble")
        return self

    @model_validator(mode="after")
    def _folds_stand_alone(self) -> Self:
        if self.split.scheme != "cross_fit":
            return self
        taken = {
            "student": self.student,
            "self_training": self.self_training,
            "stacking.n_folds": self.stacking.n_folds,
        }
        if beside := [name for name, value in taken.items() if value]:
            raise ValueError(
                f"split.scheme: cross_fit does not go with {beside[0]} yet: leave it out, or take split.scheme: holdout"
            )
        return self

    @property
    def n_folds(self) -> int:
        """Times that each head is trained without a fold; 0 where recordings are held out."""
        return self.split.n_folds if self.split.scheme == "cross_fit" else 0

    @property
    def released(self) -> Release:
        """The bundle that is registered if it passes the gates."""
        return self.release or (STUDENT if self.student else "ensemble")

    @property
    def graph(self) -> dict[str, str]:
        """What decides which nodes a pipeline has, in words."""
        training = self.self_training
        return {
            "heads": ", ".join(sorted(self.heads)),
            "student": "one" if self.student else "none",
            "self_training": f"{training.rounds} rounds from {training.pool}" if training else "none",
            "release": self.released,
            "folds": str(self.n_folds or "none"),
        }

    def check_graph(self, compiled_for: Mapping[str, str]) -> None:
        """A pipeline trains what it has nodes for: a configuration that was changed later must ask for the same.

        Args:
            compiled_for: `graph` of the configuration that it was compiled for.

        Raises:
            ConfigError: They differ; the message says in what.
        """
        differing = [
            f"{name}: {wanted} (configured: {self.graph[name]})"
            for name, wanted in compiled_for.items()
            if self.graph[name] != wanted
        ]
        if differing:
            raise ConfigError(
                f"this pipeline was compiled for {'; '.join(differing)}: compile it again for this configuration"
            )

    def of_student(self) -> RunConfig:
        """The same run with the student as its only head.

        Raises:
            ConfigError: There is no student.
        """
        if self.student is None:
            raise ConfigError("this pipeline was compiled with a student, the configuration has none: compile it again")
        alone: dict[str, Any] = {
            "heads": {STUDENT: self.student},
            "supervisor": _default_supervisor(),
            "stacking": StackingConfig(),
            "student": None,
            "release": None,
        }
        return self.model_copy(update=alone)

    def to_yaml(self) -> str:
        """The resolved configuration, every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    @classmethod
    def stand_ins(cls) -> dict[str, Any]:
        """See `DataConfig`."""
        return {"heads": {"texture": {}}, "supervisor": {}}


def _encoder_names(name: Any, head: Any) -> tuple[str, ...]:
    """Encoders that a head takes as it is configured; what is wrong with it is reported when heads are checked."""
    try:
        typed: HeadConfig = _typed_head(name, head)
    except ValueError:
        return ()
    return typed.encoder_names


def _typed_head(default_kind: Any, head: Any, where: str = "") -> Any:
    return _typed(head, default_kind, lambda kind: head_class(kind).Config, where or f"heads.{default_kind}")


def _default_supervisor() -> SupervisorConfig:
    return supervisor_class(DEFAULT_SUPERVISOR).Config(kind=DEFAULT_SUPERVISOR)


def _typed(value: Any, default_kind: str, config_class: Any, where: str) -> Any:
    if isinstance(value, BaseModel):
        return value
    if not isinstance(value, Mapping | None):
        raise ValueError(f"{where}: must be a mapping of settings (found {value!r})")
    value = dict(value or {})
    kind = value.setdefault("kind", default_kind)
    if not isinstance(kind, str):
        raise ValueError(f"{where}: kind must be a name (found {kind!r})")
    try:
        wanted = config_class(kind)
    except ConfigError as error:
        raise ValueError(f"{where}: {error}") from error
    try:
        # YAML has no tuples and JSON no other floats: values are taken as JSON has them, unknown names are not.
        return wanted.model_validate(value, strict=False)
    except ValidationError as error:
        raise ValueError(explain(error, where, wanted)) from error


def resolve(text: str, *, over: str = "", overrides: Sequence[str] = ()) -> RunConfig:
    """Merge and check a configuration.

    Args:
        text: YAML, usually a preset.
        over: YAML that is laid over it, key by key.
        overrides: `a.b=value`, each value read as YAML.

    Raises:
        ConfigError: One message with every wrong value by its name.
    """
    layers = [mapping(text, "the configuration")]
    layers += [mapping(over, "--config")] if over.strip() else []
    layers += [parsed_override(override) for override in overrides]
    for layer in layers:
        refuse_renamed(layer)
    values = layers[0]
    for layer in layers[1:]:
        values = merged(values, layer)
    # The policy that ships lies below all of them: a gate vanishes only where one of them says so.
    values = {**values, "gates": layered_policy([layer["gates"] for layer in layers if "gates" in layer])}
    try:
        config = RunConfig.model_validate(values, strict=False)
    except ValidationError as error:
        raise ConfigError(explain(error, "", RunConfig)) from error
    _check_gates(config)
    return config


def _check_gates(config: RunConfig) -> None:
    """What only the whole configuration can tell; a step that is handed its part of it does not know the heads."""
    if not config.gates.has_gates:
        raise ConfigError("gates: ask for nothing, and a model of which no gate decides is never registered: keep one")
    config.gates.check_references(config.heads, student=config.student is not None)
