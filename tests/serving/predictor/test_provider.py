"""On what the predictor runs the graph: as it is told, or not at all."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest

from serving.local import LocalServers
from serving.predictor.model import Predictor
from serving.settings import add_options, settings_of
from serving.settings.predictor import PredictorSettings
from silencio.bundle import Bundle
from silencio.bundle.graph import PROVIDERS
from silencio.errors import ConfigError

NOT_HERE = [name for name, (own, _) in PROVIDERS.items() if own not in onnxruntime.get_available_providers()]


def test_graph__says_its_provider_and_how_much_of_it_that_runs(bundle_directory: Path) -> None:
    graph = Bundle(bundle_directory).graph()
    assert graph.provider == "cpu"
    assert graph.n_provider_nodes == graph.n_nodes > 0
    assert graph.on("cpu") is graph


@pytest.mark.parametrize("provider", NOT_HERE)
def test_graph__on_a_provider_that_is_not_installed_is_refused(provider: str, bundle_directory: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Bundle(bundle_directory).graph().on(provider)
    message = str(caught.value)
    assert message.startswith(f"provider {provider} is not in this installation of ONNX Runtime")
    assert f"install {PROVIDERS[provider][1]}" in message
    assert "\n" not in message


@pytest.mark.parametrize("provider", ["gpu", "CPU", "", "CPUExecutionProvider"])
def test_graph__on_a_provider_that_is_unknown_is_refused(provider: str, bundle_directory: Path) -> None:
    with pytest.raises(ConfigError, match=f"provider {provider!r} is none of cpu, openvino, cuda, tensorrt"):
        Bundle(bundle_directory).graph().on(provider)


@pytest.mark.filterwarnings("ignore:Specified provider")
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
@pytest.mark.skipif("cuda" not in NOT_HERE, reason="there may be a device")
def test_graph__that_onnx_runtime_quietly_runs_on_the_processor_is_refused(
    provider: str, bundle_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a GPU build does on a machine whose driver or libraries are missing: it takes the processor."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [own for own, _ in PROVIDERS.values()])
    with pytest.raises(ConfigError, match=f"provider {provider} is installed but not active here .*took CPU"):
        Bundle(bundle_directory).graph().on(provider)


def test_predictor__says_provider_and_sizes_in_its_log(servers: LocalServers) -> None:
    lines = [line for line in servers.predictor.log.read_text().splitlines() if "provider cpu runs" in line]
    assert len(lines) == 1
    assert "of 1 threads" in lines[0]


@pytest.mark.skipif("cuda" not in NOT_HERE, reason="it would start")
def test_predictor__told_to_use_a_provider_that_is_not_here_stays_not_ready(
    bundle_directory: Path, server_log: Callable[[], list[str]]
) -> None:
    predictor = Predictor("silencio", bundle_directory, PredictorSettings(provider="cuda"))
    assert not predictor.load()
    assert not predictor.ready
    assert predictor.reason.startswith("refused: provider cuda is not in this installation of ONNX Runtime (it has ")
    assert server_log() == [f"silencio: not ready: {predictor.reason}"]


def _parsed(*arguments: str) -> PredictorSettings:
    parser = argparse.ArgumentParser()
    add_options(parser, PredictorSettings)
    return settings_of(PredictorSettings, parser.parse_args(arguments))


def test_options__are_the_environments_unless_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_PROVIDER", "openvino")
    monkeypatch.setenv("SILENCIO_N_WORKERS", "7")
    monkeypatch.setenv("SILENCIO_MAX_BATCH_DELAY_MS", "3")
    settings = _parsed("--n_workers", "5", "--max_queued_windows", "99", "--max_batch_delay_ms", "0")
    assert (settings.provider, settings.n_workers, settings.max_batch_delay_ms) == ("openvino", 5, 0)
    assert settings.max_queued_windows == 99
    assert _parsed("--provider", "cuda").provider == "cuda"


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--n_workers", "0"], {}, "--n_workers 0: a whole number of at least 1 is needed"),
        (
            ["--max_batch_delay_ms", "soon"],
            {},
            "--max_batch_delay_ms soon: a whole number of at least 0 is needed",
        ),
        ([], {"SILENCIO_MAX_BATCH_WINDOWS": "x"}, "SILENCIO_MAX_BATCH_WINDOWS='x': a whole number of at least 1"),
        (
            [],
            {"SILENCIO_MAX_BATCH_DELAY_MS": "-1"},
            "SILENCIO_MAX_BATCH_DELAY_MS='-1': a whole number of at least 0 is needed",
        ),
    ],
)
def test_options__that_are_none_are_one_sentence(
    arguments: list[str],
    environment: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        _parsed(*arguments)
    assert message in str(caught.value)
