"""Flags win over the environment, and that over defaults: for every option of every server."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, get_args

import pytest

from serving.settings import ServingSettings, add_options, settings_of
from serving.settings.command_line import misspelt
from serving.settings.local import LocalSettings
from serving.settings.predictor import PredictorSettings
from serving.settings.transformer import TransformerSettings
from silencio.bundle.graph import PROVIDERS
from silencio.errors import ConfigError

SERVERS: list[type[ServingSettings]] = [TransformerSettings, PredictorSettings, LocalSettings]
EVERY = [pytest.param(one, name, id=f"{one.__name__}-{name}") for one in SERVERS for name in one.model_fields]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SILENCIO_", "KSERVE_TLS_")):
            monkeypatch.delenv(name)


def _parsed(settings: type[ServingSettings], *words: str) -> Any:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_options(parser, settings)
    return settings_of(settings, parser.parse_args(words))


def _examples(settings: type[ServingSettings], name: str) -> tuple[tuple[str, object], tuple[str, object]]:
    """Two values that are not the default, as text and as what they become."""
    field = settings.model_fields[name]
    kinds = {*get_args(field.annotation), field.annotation}
    if bool in kinds:
        return (str(not field.default).lower(), not field.default), (str(field.default).lower(), field.default)
    words = {"event_loop": ("asyncio", "uvloop"), "arm": ("champion", "challenger"), "release_id": ("r-13", "2025.3_b")}
    if name in words:
        one, other = words[name]
        return (one, one), (other, other)
    if name == "shadow_share":
        return ("0.25", 0.25), ("1", 1.0)
    if float in kinds:
        return ("7.5", 7.5), ("8", 8.0)
    if int in kinds or Any in kinds or any(int in get_args(kind) for kind in kinds):
        return ("1071", 1071), ("1072", 1072)
    if name == "allow_origin":
        one, other = "https://one.example", "https://other.example"
        return (f"{one}, {other}", (one, other)), (other, (other,))
    is_file = Path in kinds or any(Path in get_args(kind) for kind in kinds)
    return ("/here", Path("/here") if is_file else "/here"), ("/there", Path("/there") if is_file else "/there")


def _flags(settings: type[ServingSettings], name: str, text: str) -> list[str]:
    if settings.option(name).metavar:
        return [settings.flag(name), text]
    return [settings.flag(name) if text == "true" else settings.flag(name).replace("--", "--no-", 1)]


@pytest.mark.parametrize(("settings", "name"), EVERY)
def test_option__of_the_environment_and_of_the_command_line_which_wins(
    settings: type[ServingSettings], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = getattr(_parsed(settings), name)
    (one, of_environment), (other, of_flag) = _examples(settings, name)
    monkeypatch.setenv(f"SILENCIO_{name.upper()}", one)
    assert getattr(_parsed(settings), name) == of_environment != default
    assert getattr(_parsed(settings, *_flags(settings, name, other)), name) == of_flag != of_environment
    monkeypatch.delenv(f"SILENCIO_{name.upper()}")
    assert getattr(_parsed(settings, *_flags(settings, name, one)), name) == of_environment


@pytest.mark.parametrize(("settings", "name"), EVERY)
def test_option__says_in_help_what_it_is_and_by_which_variable(settings: type[ServingSettings], name: str) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, settings)
    (action,) = [one for one in parser._actions if one.dest == name]
    assert action.help
    assert f"(SILENCIO_{name.upper()}" in action.help
    assert len(settings.descriptions()[name]) > len("Of gRPC")


@pytest.mark.parametrize(
    ("settings", "words", "sentence"),
    [
        (TransformerSettings, ["--arm", "canary"], "--arm canary: one of 'champion' or 'challenger' is needed"),
        (
            TransformerSettings,
            ["--release_id", "release 13"],
            "--release_id release 13: 1 to 64 letters, digits, dots, hyphens and underscores are needed",
        ),
        (TransformerSettings, ["--shadow_share", "5"], "--shadow_share 5: a share from 0 to 1 is needed"),
        (TransformerSettings, ["--decoders", "0"], "--decoders 0: a whole number of at least 1 is needed"),
        (TransformerSettings, ["--decoders", "2.5"], "--decoders 2.5: a whole number of at least 1 is needed"),
        (TransformerSettings, ["--enable_grpc", "maybe"], "--enable_grpc maybe: true or false is needed"),
        (TransformerSettings, ["--http_port", "65536"], "--http_port 65536: a port is needed: 0 to 65535"),
        (TransformerSettings, ["--body_read_timeout_s", "nan"], "--body_read_timeout_s nan: a number of at least 0"),
        (TransformerSettings, ["--event_loop", "none"], "--event_loop none: one of 'auto', 'asyncio' or 'uvloop' is"),
        (TransformerSettings, ["--keys", ""], "--keys : is empty: unset it, or give a value"),
        (LocalSettings, ["--max-body-bytes", "-1"], "--max-body-bytes -1: a whole number of at least 1 is needed"),
        (LocalSettings, ["--allow-origin", "app"], "--allow-origin app: 'app' is no origin of web pages"),
    ],
)
def test_flag__that_cannot_be_used_is_one_sentence(
    settings: type[ServingSettings], words: list[str], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        _parsed(settings, *[f"{words[0]}={words[1]}"])
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("SILENCIO_DECODERS", "0", "SILENCIO_DECODERS='0': a whole number of at least 1 is needed"),
        ("SILENCIO_ENABLE_GRPC", "maybe", "SILENCIO_ENABLE_GRPC='maybe': true or false is needed"),
        (
            "SILENCIO_ALLOW_ORIGIN",
            "https://a.example app",
            "SILENCIO_ALLOW_ORIGIN='https://a.example app': 'app' is no",
        ),
    ],
)
def test_variable__that_cannot_be_used_is_one_sentence(
    variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        _parsed(TransformerSettings)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("name", ["keys", "tls_cert", "host", "bundle", "max_body_bytes", "prediction_log"])
def test_variable__that_is_set_to_nothing_is_not_taken_for_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that lost its value must not open a server to everybody."""
    monkeypatch.setenv(f"SILENCIO_{name.upper()}", "")
    with pytest.raises(ConfigError, match=f"SILENCIO_{name.upper()}='': "):
        _parsed(TransformerSettings)


@pytest.mark.parametrize("settings", [PredictorSettings, LocalSettings])  # serve hands the environment on to both
def test_variable__that_has_another_name_now_is_refused_with_it(
    settings: type[ServingSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = {f"SILENCIO_{old.upper()}": f"SILENCIO_{new.upper()}" for old, new in PredictorSettings.renamed.items()}
    assert {"SILENCIO_MOST_BATCH_WINDOWS", "SILENCIO_MOST_REQUESTS"} <= set(renamed)
    for old, new in (renamed | dict(PredictorSettings.renamed_variables)).items():
        monkeypatch.setenv(old, "2")
        with pytest.raises(ConfigError, match=f"{old} is called {new} now"):
            _parsed(settings)
        monkeypatch.delenv(old)
        assert new in {PredictorSettings.variable(name) for name in PredictorSettings.model_fields}


@pytest.mark.parametrize(("settings", "name"), [(TransformerSettings, "http_port"), (LocalSettings, "port")])
def test_ports__are_not_the_addresses_that_kubernetes_puts_there(
    settings: type[ServingSettings], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Service that is called silencio sets SILENCIO_PORT, one that is called silencio-http SILENCIO_HTTP_PORT."""
    monkeypatch.setenv(f"SILENCIO_{name.upper()}", "tcp://10.96.14.3:8080")
    assert getattr(_parsed(settings), name) == 8080


def test_misspelt__almost_a_variable_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_MAX_BODY_BYTE", "1000")
    assert list(misspelt(TransformerSettings)) == [
        "SILENCIO_MAX_BODY_BYTE is set, and nobody reads it: is SILENCIO_MAX_BODY_BYTES meant?"
    ]


def test_misspelt__what_others_set_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours of other programs, and what Kubernetes makes of Services."""
    for name in ("API_KEY", "CACHE", "EXPERIMENT", "IMAGE", "RUN_KEY", "S3_ENDPOINT", "THREADS", "YAMNET"):
        monkeypatch.setenv(f"SILENCIO_{name}", "x")
    for service in ("", "HTTP_", "PREDICTOR_", "TRANSFORMER_", "MINIO_"):
        for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_80_TCP_ADDR", "PORT_80_TCP_PROTO"):
            monkeypatch.setenv(f"SILENCIO_{service}{name}", "x")
        for name in ("PORT", "PORT_80_TCP"):
            monkeypatch.setenv(f"SILENCIO_{service}{name}", "tcp://10.96.14.3:80")
    assert list(misspelt(*SERVERS)) == []


def test_tls__is_taken_from_kserves_variables_where_ours_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSERVE_TLS_CERT_FILE", "/kserve.crt")
    assert _parsed(PredictorSettings).tls_cert == "/kserve.crt"
    monkeypatch.setenv("SILENCIO_TLS_CERT", "/ours.crt")
    assert _parsed(PredictorSettings).tls_cert == "/ours.crt"
    assert _parsed(PredictorSettings, "--ssl_certfile", "/sdk.crt").tls_cert == "/sdk.crt"


def test_provider__all_are_named() -> None:
    assert all(one in PredictorSettings.descriptions()["provider"] for one in PROVIDERS)
