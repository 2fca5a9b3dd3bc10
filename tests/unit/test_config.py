"""One strict configuration: a preset, a file over it, single values over that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from silencio.config import RunConfig, preset_names, preset_text, read_config_file, resolve
from silencio.errors import ConfigError
from silencio.features import FeatureSpec
from silencio.models.heads.effnet_lora import EffNetLoraConfig
from silencio.models.heads.raw_cnn import RawCnnConfig

SMALLEST = "heads: {raw_cnn: {}}\nsupervisor: {}\n"
# Not a preset: those may change.
BASE = """
heads:
  effnet_lora: {epochs: 30}
  raw_cnn: {epochs: 40, crops_per_recording: 2.0}
supervisor: {kind: weighted_average}
"""


def _complaint(*overrides: str, text: str = BASE, over: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(text, over=over, overrides=overrides)
    return str(caught.value)


# Presets


def test_preset_names__are_those_that_ship() -> None:
    assert {"demo", "reserve-fast"} <= set(preset_names())
    assert preset_names() == sorted(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_preset__resolves(name: str) -> None:
    assert resolve(preset_text(name)).heads


@pytest.mark.parametrize("name", preset_names())
def test_preset__says_in_its_first_line_what_it_is_for(name: str) -> None:
    assert preset_text(name).startswith("# ")


@pytest.mark.parametrize("name", ["birdclef-2099", "", "../presets/demo", "demo.yaml"])
def test_preset__that_does_not_exist_is_named_beside_those_that_do(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        preset_text(name)
    assert str(caught.value) == f"--preset {name!r} does not exist: there are {', '.join(preset_names())}"


# What a configuration is


def test_resolve__every_default_is_written_out() -> None:
    written = yaml.safe_load(resolve(SMALLEST).to_yaml())
    assert set(written) == set(RunConfig.model_fields)
    # The first rule for the last window is not written: what was written before there was another stays equal.
    assert set(written["features"]) == set(FeatureSpec.model_fields) - {"last_window"}
    assert set(written["heads"]["raw_cnn"]) == set(RawCnnConfig.model_fields)
    assert written["supervisor"] == {"kind": "weighted_average", "mean": "arithmetic", "shrinkage": 0.5}


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["features.min_power=1e-9", "heads.raw_cnn.learning_rate=3e-4", "heads.raw_cnn.widths=[8, 16]"],
        ["heads.second.kind=raw_cnn", "heads.effnet_lora.weights=/weights/b3.pt", "seed=7"],
        ["heads.raw_cnn=null", "supervisor.shrinkage=0"],
    ],
    ids=["as it is", "floats and lists", "another head", "a head less"],
)
def test_resolve__what_it_writes_resolves_to_itself(name: str, overrides: list[str]) -> None:
    config = resolve(preset_text(name), overrides=overrides)
    again = resolve(config.to_yaml())
    assert again == config
    assert again.to_yaml() == config.to_yaml()
    assert again.features.sha256 == config.features.sha256


def test_heads__have_the_configuration_of_their_kind() -> None:
    config = resolve(BASE, overrides=["heads.second.kind=raw_cnn", "heads.second.kernel_size=31"])
    assert type(config.heads["effnet_lora"]) is EffNetLoraConfig
    assert type(config.heads["raw_cnn"]) is RawCnnConfig
    second = config.heads["second"]
    assert type(second) is RawCnnConfig
    assert second.kernel_size == 31


def test_heads__keep_their_order_on_paper_too() -> None:
    # The supervisor's weights stand in the order of the heads.
    config = resolve(BASE, overrides=["heads.a.kind=raw_cnn"])
    assert list(config.heads) == ["effnet_lora", "raw_cnn", "a"]
    assert list(resolve(config.to_yaml()).heads) == ["effnet_lora", "raw_cnn", "a"]


def test_config__is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        resolve(SMALLEST).seed = 1  # type: ignore[misc]  # what is tested


# Three layers


@pytest.mark.parametrize(
    ("override", "place", "value"),
    [
        ("seed=3", ("seed",), 3),
        ("features.hop_s=2.5", ("features", "hop_s"), 2.5),
        ("features.hop_s=4", ("features", "hop_s"), 4.0),
        ("features.padding=zero", ("features", "padding"), "zero"),
        ("heads.raw_cnn.epochs=3", ("heads", "raw_cnn", "epochs"), 3),
        ("heads.raw_cnn.learning_rate=3e-3", ("heads", "raw_cnn", "learning_rate"), 3e-3),
        ("heads.raw_cnn.widths=[4, 8]", ("heads", "raw_cnn", "widths"), [4, 8]),
        ("heads.raw_cnn.augment.gain_db=0", ("heads", "raw_cnn", "augment", "gain_db"), 0.0),
        ("heads.effnet_lora.target_modules=a=b", ("heads", "effnet_lora", "target_modules"), "a=b"),
        (" seed =3", ("seed",), 3),
    ],
)
def test_override__sets_one_value(override: str, place: tuple[str, ...], value: Any) -> None:
    before, after = (yaml.safe_load(resolve(BASE, overrides=one).to_yaml()) for one in ([], [override]))
    at, where = after, before
    for key in place[:-1]:
        at, where = at[key], where[key]
    assert at[place[-1]] == value
    at[place[-1]] = where[place[-1]]
    assert after == before, "and nothing else"


def test_over__is_laid_over_key_by_key() -> None:
    config = resolve(BASE, over="heads:\n  raw_cnn:\n    epochs: 7\n")
    assert list(config.heads) == ["effnet_lora", "raw_cnn"]
    assert (config.heads["raw_cnn"].epochs, config.heads["raw_cnn"].crops_per_recording) == (7, 2.0)


def test_layers__an_override_is_above_the_file_and_the_last_override_wins() -> None:
    assert resolve("seed: 1\n" + SMALLEST, over="seed: 2").seed == 2
    assert resolve("seed: 1\n" + SMALLEST, over="seed: 2", overrides=["seed=3", "seed=4"]).seed == 4


@pytest.mark.parametrize("over", ["", "\n", "  "])
def test_over__of_nothing_changes_nothing(over: str) -> None:
    assert resolve(BASE, over=over) == resolve(BASE)


@pytest.mark.parametrize("how", [{"overrides": ["heads.raw_cnn=null"]}, {"over": "heads: {raw_cnn: null}"}])
def test_null__takes_a_head_away(how: dict[str, Any]) -> None:
    assert list(resolve(BASE, **how).heads) == ["effnet_lora"]


def test_null__takes_a_value_back_to_its_default() -> None:
    assert resolve(BASE, overrides=["heads.raw_cnn.crops_per_recording=null"]).heads["raw_cnn"].crops_per_recording == 1


def test_null__of_what_is_not_there_changes_nothing() -> None:
    assert resolve(BASE, overrides=["heads.no_such=null"]) == resolve(BASE)


# What is refused, and where the message says it is


@pytest.mark.parametrize(
    ("override", "place", "what"),
    [
        ("sede=3", "sede", "is not known here: did you mean seed?"),
        ("features.windows_s=3", "features.windows_s", "is not known here: did you mean window_s?"),
        ("heads.raw_cnn.epoch=3", "heads.raw_cnn.epoch", "is not known here: did you mean epochs?"),
        ("heads.raw_cnn.augment.gain=3", "heads.raw_cnn.augment.gain", "is not known here: did you mean gain_db?"),
        ("self_training={pol: hidden}", "self_training.pol", "is not known here: did you mean pool?"),
        ("heads.raw_cnn.rank=3", "heads.raw_cnn.rank", "is not known here"),
        ("supervisor.alpha=3", "supervisor.alpha", "is not known here"),
        ("export.clips=3", "export.clips", "is not known here"),
        ("seed=many", "seed", "valid integer, unable to parse string as an integer (found 'many')"),
        ("seed=0.5", "seed", "(found 0.5)"),
        ("seed.x=1", "seed", "valid integer"),
        ("features.window_s=long", "features.window_s", "(found 'long')"),
        ("features.padding=mirror", "features.padding", "(found 'mirror')"),
        ("features.n_mels=[1]", "features.n_mels", "valid integer (found [1])"),
        ("features=3", "features", "(found 3)"),
        ("heads.raw_cnn.epochs=three", "heads.raw_cnn.epochs", "(found 'three')"),
        ("heads.raw_cnn.epochs=0", "heads.raw_cnn.epochs", "greater than or equal to 1 (found 0)"),
        ("heads.raw_cnn.precision=fp8", "heads.raw_cnn.precision", "(found 'fp8')"),
        ("heads.raw_cnn.augment=3", "heads.raw_cnn.augment", "(found 3)"),
        ("heads.effnet_lora.backbone=b3", "heads.effnet_lora.backbone", "(found 'b3')"),
        ("supervisor.shrinkage=2", "supervisor.shrinkage", "less than or equal to 1 (found 2)"),
        ("export.n_parity_clips=0", "export.n_parity_clips", "greater than or equal to 1 (found 0)"),
        ("seconds_per_shard=0", "seconds_per_shard", "greater than 0 (found 0)"),
        ("split.test_share=0.9", "split", "leave nothing to train on"),
        ("features.hop_s=6", "features", "hop_s=6 is above window_s=5"),
        ("features.f_max_hz=20000", "features", "f_max_hz=20000 is above half the sample rate"),
        ("heads.effnet_lora.weights=none", "heads.effnet_lora", "adapt='lora' with weights='none'"),
        ("heads.effnet_lora.backbone=efficientnet_b3", "heads.effnet_lora", "weights='package' holds"),
        ("supervisor.kind=no_such", "supervisor", "'no_such' is no supervisor: there are "),
        ("heads.no_such={}", "heads.no_such", "'no_such' is no head: there are effnet_lora, "),
        ("heads.no_such.epochs=3", "heads.no_such", "'no_such' is no head: there are effnet_lora, "),
        ("heads=3", "heads", "must be a mapping of names to heads (found 3)"),
        ("heads=[raw_cnn]", "heads", "must be a mapping of names to heads (found ['raw_cnn'])"),
        ("heads=null", "heads", "Field required"),
        ("heads.a-b.kind=raw_cnn", "heads.a-b", "a head's name is letters, digits and underscores"),
        ("heads.1st.kind=raw_cnn", "heads.1st", "a head's name is letters, digits and underscores"),
        ("heads.größe.kind=raw_cnn", "heads.größe", "a head's name is letters, digits and underscores"),
    ],
)
def test_wrong_value__is_named_by_its_place(override: str, place: str, what: str) -> None:
    message = _complaint(override)
    assert message.startswith(f"{place}: ")
    assert what in message
    assert "\n" not in message
    assert "pydantic" not in message


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("heads.raw_cnn=3", "heads.raw_cnn"),
        ("heads.raw_cnn=true", "heads.raw_cnn"),
        ("heads.raw_cnn=small", "heads.raw_cnn"),
        ("heads.raw_cnn=[1]", "heads.raw_cnn"),
        ("heads.raw_cnn.kind=3", "heads.raw_cnn"),
        ("heads.raw_cnn.kind=[a]", "heads.raw_cnn"),
        ("heads.second.kind=no_such", "heads.second"),
        ("supervisor=3", "supervisor"),
        ("supervisor=[weighted_average]", "supervisor"),
        ("supervisor.kind=[a]", "supervisor"),
    ],
)
def test_wrong_head__is_named_by_its_place(override: str, place: str) -> None:
    message = _complaint(override)
    assert message.startswith(f"{place}: ")
    assert "dictionary update sequence" not in message


def test_supervisor__has_a_default_like_everything_else() -> None:
    config = resolve("heads: {raw_cnn: {}}")
    assert config.supervisor.kind == "weighted_average"
    assert config == resolve("heads: {raw_cnn: {}}\nsupervisor: {}")
    assert resolve(config.to_yaml()) == config
    # Of several heads, and with one taken away again.
    assert resolve(BASE, overrides=["supervisor=null"]) == resolve(BASE)


def test_supervisor__a_name_alone_is_refused_in_words_or_understood() -> None:
    try:
        assert resolve(BASE, overrides=["supervisor=weighted_average"]) == resolve(BASE)
    except ConfigError as error:
        assert "dictionary update sequence" not in str(error)  # either is right, this is neither


@pytest.mark.parametrize(
    "override",
    [
        "seed=-1",
        "seed=4294967296",
        "features.floor_db=.nan",
        "features.offset_db=.inf",
        "heads.raw_cnn.learning_rate=.inf",
        "heads.raw_cnn.widths=[]",
        "heads.raw_cnn.widths=[0]",
        "heads.raw_cnn.kernel_size=0",
        "heads.raw_cnn.dropout=2",
    ],
)
def test_wrong_value__that_would_only_fail_in_training_is_refused_here(override: str) -> None:
    assert _complaint(override).startswith(override.partition("=")[0])


def test_wrong_values__are_all_in_one_message() -> None:
    message = _complaint("sede=3", "seed=x", "features.n_mels=1")
    assert {part.partition(":")[0] for part in message.split("; ")} == {"sede", "seed", "features.n_mels"}


def test_wrong_values__of_several_heads_are_named_one_at_least() -> None:
    assert _complaint("heads.raw_cnn.epoch=3", "heads.effnet_lora.rank=0").startswith("heads.effnet_lora.rank: ")


def test_no_head__is_refused() -> None:
    assert _complaint("heads.raw_cnn=null", "heads.effnet_lora=null").startswith("heads: ")


def test_b3_from_scratch__is_allowed_without_lora() -> None:
    settings = ["backbone=efficientnet_b3", "weights=none", "adapt=full"]
    head = resolve(BASE, overrides=[f"heads.effnet_lora.{setting}" for setting in settings]).heads["effnet_lora"]
    assert isinstance(head, EffNetLoraConfig)
    assert head.backbone == "efficientnet_b3"


# Syntax


@pytest.mark.parametrize("override", ["seed", "", "=3", " =3", "seed:3", "heads.raw_cnn"])
def test_override__without_a_name_or_a_value_is_refused(override: str) -> None:
    assert _complaint(override) == f"--set {override!r} must look like heads.raw_cnn.epochs=3"


@pytest.mark.parametrize("override", ["seed=[", "seed={a", "seed='x", "seed=a: b: c"])
def test_override__whose_value_is_not_yaml_is_refused(override: str) -> None:
    assert _complaint(override) == f"--set {override!r}: the value is not YAML"


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\tseed: 3"])
def test_text__that_is_not_yaml_is_refused(text: str) -> None:
    assert _complaint(text=text).startswith("the configuration is not YAML: ")
    assert _complaint(over=text).startswith("--config is not YAML: ")


@pytest.mark.parametrize(("text", "what"), [("- 1", "list"), ("3", "int"), ("seed", "str")])
def test_text__that_is_no_mapping_is_refused(text: str, what: str) -> None:
    assert _complaint(text=text) == f"the configuration must be a YAML mapping, not {what}"
    assert _complaint(over=text) == f"--config must be a YAML mapping, not {what}"


def test_text__cannot_run_code() -> None:
    assert _complaint(text="!!python/object/apply:os.getcwd []").startswith("the configuration is not YAML: ")
    assert "is not YAML" in _complaint("seed=!!python/object/apply:os.getcwd []")


def test_text__must_be_there() -> None:
    assert _complaint(text="") == "the configuration must be a YAML mapping, not NoneType"


def test_read_config_file__gives_its_text(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("seed: 5  # ñ\n", encoding="utf-8")
    assert read_config_file(tmp_path / "own.yaml") == "seed: 5  # ñ\n"


@pytest.mark.parametrize("what", ["missing", "folder", "not text"])
def test_read_config_file__that_cannot_be_read_is_named(tmp_path: Path, what: str) -> None:
    path = tmp_path / "own.yaml"
    if what == "folder":
        path.mkdir()
    elif what == "not text":
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError) as caught:
        read_config_file(path)
    assert str(caught.value).startswith(f"--config {str(path)!r} cannot be read: ")
