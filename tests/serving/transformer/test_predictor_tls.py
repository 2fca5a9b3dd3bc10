"""How a transformer calls a predictor that is on another machine: by TLS, or in clear where that was set."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelReadyRequest, ModelReadyResponse
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)

from serving.settings import add_options, settings_of
from serving.settings.transformer import TransformerSettings
from serving.transformer.predictor_client import PredictorClient
from serving.transformer.predictor_tls import predictor_credentials
from silencio.errors import ConfigError

Issue = Callable[[str], tuple[Path, Path]]


def _options(host: str, *words: object) -> TransformerSettings:
    parser = argparse.ArgumentParser()
    add_options(parser, TransformerSettings)
    return settings_of(TransformerSettings, parser.parse_args(["--predictor_host", host, *map(str, words)]))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8081",
        "localhost:8081",
        "[::1]:8081",
        "unix:/run/predictor.sock",
        "unix-abstract:predictor",
        "dns:///localhost:8081",
        "dns:localhost:8081",
        "ipv4:127.0.0.1:8081",
        "ipv4:127.0.0.1:81,127.0.0.2:81",
        "ipv6:[::1]:8081",
        "ipv6:%5B::1%5D:8081",
        "ip6-localhost:8081",
        "dns:///ip6-localhost",
    ],
)
def test_predictor__of_this_machine_is_asked_in_clear(host: str) -> None:
    assert predictor_credentials(_options(host)) is None


@pytest.mark.parametrize(
    "host",
    [
        "predictor.birds.svc:8081",
        "10.0.0.7:8081",
        "[fd00::7]:81",
        "127.0.0.1.example:81",
        "birds-predictor.birds",
        "dns:///birds-predictor.birds:80",
        "dns://localhost/birds-predictor:80",
        "ipv4:10.0.0.7:8081",
        "ipv4:127.0.0.1:81,10.0.0.7:81",
        "ipv6:[fd00::7]:81",
    ],
)
def test_predictor__of_another_machine_is_not_asked_in_clear_unless_that_was_said(host: str) -> None:
    with pytest.raises(ConfigError, match="is on another machine, .* --predictor_insecure"):
        predictor_credentials(_options(host))
    assert predictor_credentials(_options(host, "--predictor_insecure")) is None
    assert predictor_credentials(_options(host, "--predictor_use_ssl", "true")) is not None


@pytest.mark.parametrize("host", ["[zz]:1", "[::1:8081", "ipv6:[zz]:1"])
def test_predictor__an_address_that_is_none_is_refused_in_a_sentence(host: str) -> None:
    with pytest.raises(ConfigError, match=r"--predictor_host \S+ is no address: .*; HOST:PORT is needed"):
        predictor_credentials(_options(host))


def test_predictor__the_documented_args_of_an_inference_service_start_the_transformer() -> None:
    """What KServe adds by itself says nothing of TLS, and is refused."""
    document = (Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8")
    block = next(one for one in document.split("```yaml\n") if one.startswith("transformer:")).partition("```")[0]
    args = yaml.safe_load(block)["transformer"]["containers"][0]["args"]
    assert args[0] == "--predictor_host"
    assert args[1].rpartition(":")[2].isdigit()  # without a port gRPC asks 443
    assert predictor_credentials(_options(args[1], *args[2:])) is None
    with pytest.raises(ConfigError, match=r"--predictor_ca FILE .* --predictor_insecure .* the transformer's args"):
        predictor_credentials(_options("NAME-predictor.NAMESPACE"))


def test_options__that_contradict_each_other_or_cannot_be_used(issue: Issue, tmp_path: Path) -> None:
    certificate, key = issue("one")
    _, other_key = issue("other")
    empty = tmp_path / "empty.pem"
    empty.touch()
    ca = ["--predictor_ca", certificate]
    pair = ["--predictor_client_cert", certificate, "--predictor_client_key"]
    for words, sentence in (
        (["--predictor_client_cert", certificate], "belong together"),
        ([*pair, key], "is shown by TLS alone"),
        ([*ca, "--predictor_insecure"], "contradicts"),
        (["--predictor_ca", empty], "empty.pem cannot be used"),
        (["--predictor_ca", tmp_path / "missing.pem"], "missing.pem cannot be used"),
        ([*ca, *pair, other_key], "cannot be used"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            predictor_credentials(_options("10.0.0.7:8081", *words))


class _Ready(GRPCInferenceServiceServicer):  # type: ignore[misc]  # kserve is untyped
    async def ModelReady(self, request: ModelReadyRequest, context: Any) -> ModelReadyResponse:
        return ModelReadyResponse(ready=True)


def test_tls__the_predictors_certificate_is_checked_and_the_clients_own_is_shown(issue: Issue) -> None:
    own, own_key = issue("predictor")
    client, client_key = issue("transformer")
    stranger, stranger_key = issue("stranger")
    pairs = [(own_key.read_bytes(), own.read_bytes())]

    async def send() -> list[str]:
        server = grpc.aio.server()
        add_GRPCInferenceServiceServicer_to_server(_Ready(), server)
        # As a proxy that lets known transformers in alone.
        port = server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials(pairs, client.read_bytes(), require_client_auth=True)
        )
        await server.start()
        reasons = []
        for authority, certificate, key in (
            (own, client, client_key),
            (own, stranger, stranger_key),
            (stranger, client, client_key),
        ):
            words = ("--predictor_client_cert", certificate, "--predictor_client_key", key)
            options = _options(f"127.0.0.1:{port}", "--predictor_ca", authority, *words)
            sent = PredictorClient(options.predictor_host, credentials=predictor_credentials(options))
            reasons.append(await sent.reason_not_ready("silencio"))
        await server.stop(None)
        return reasons

    known, unknown, impostor = asyncio.run(send())
    assert known == ""
    assert impostor.endswith("speaks no TLS, or one of both certificates is not trusted")
    assert unknown.startswith("the predictor at 127.0.0.1:")
