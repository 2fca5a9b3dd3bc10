"""student, distillation, release and self_training in the configuration."""

from __future__ import annotations

import pytest

from silencio.config import resolve
from silencio.config.parts import part_of
from silencio.data.config import DataConfig
from silencio.errors import ConfigError

CONFIG = "{heads: {raw_cnn: {}, effnet_lora: {}}, supervisor: {}}"


def test_student__is_a_head_like_others_and_effnet_lora_by_default() -> None:
    assert resolve(CONFIG).student is None
    assert resolve(CONFIG, overrides=["student.epochs=3"]).student.kind == "effnet_lora"
    small = resolve(CONFIG, overrides=["student={kind: raw_cnn, widths: [4, 8]}"])
    assert small.student.widths == (4, 8)
    assert resolve(small.to_yaml()) == small


def test_student__brings_its_encoder() -> None:
    config = resolve(CONFIG, overrides=["student={kind: embed_mlp, encoder: yamnet}"])
    assert "yamnet" in config.encoders


def test_release__is_the_student_where_there_is_one() -> None:
    assert resolve(CONFIG).released == "ensemble"
    assert resolve(CONFIG, overrides=["student={}"]).released == "student"
    assert resolve(CONFIG, overrides=["student={}", "release=ensemble"]).released == "ensemble"


def test_of_student__is_the_run_with_one_head() -> None:
    config = resolve(CONFIG, overrides=["student={epochs: 3}", "stacking.n_folds=3", "supervisor.shrinkage=0.1"])
    alone = config.of_student()
    assert {name: head.epochs for name, head in alone.heads.items()} == {"student": 3}
    # Nothing is left that would train folds, or teach again.
    assert (alone.student, alone.stacking.n_folds, alone.released) == (None, 0, "ensemble")
    assert (alone.features, alone.split, alone.gates) == (config.features, config.split, config.gates)
    assert resolve(alone.to_yaml()) == alone


def test_self_training__is_known_before_torch_is_loaded() -> None:
    config = resolve(CONFIG, overrides=["self_training={hidden_share: 0.4}"])
    assert DataConfig.of_part(part_of(config, "split")).self_training.hidden_share == 0.4


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("student.epoch=1", "student.epoch: is not known here"),
        ("student.kind=resnett", "student: 'resnett' is no head"),
        ("student=3", "student: must be a mapping"),
        ("release=student", "configure `student`"),
        ("self_training.pool=both", "self_training.pool"),
        ("self_training.hidden_share=1.0", "self_training.hidden_share"),
        ("self_training.rounds=0", "self_training.rounds"),
        ("distillation.temperature=0.0", "distillation.temperature"),
    ],
)
def test_wrong_value__is_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(CONFIG, overrides=[override])


def test_head_of_the_students_name__is_refused() -> None:
    with pytest.raises(ConfigError, match="the name is taken by the student"):
        resolve("{heads: {student: {kind: raw_cnn}}, supervisor: {}, student: {}}")


@pytest.mark.parametrize("encoders", ["yamnet", "[yamnet]", "7"])
def test_encoders__that_are_no_mapping_are_one_sentence(encoders: str) -> None:
    with pytest.raises(ConfigError, match="^encoders: Input should be a valid dictionary"):
        resolve("{heads: {embed_mlp: {encoder: yamnet}}, supervisor: {}}", overrides=[f"encoders={encoders}"])
