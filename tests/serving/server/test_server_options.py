"""Options of both servers that are refused before anything is loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import kserve.model_server
import pytest

import serving.settings.server
from serving.predictor.__main__ import main as predictor
from serving.server.accounting import Accounting
from serving.server.start import _SDK_LIMITS, _entrance, argument_parser, parsed_settings
from serving.settings.page import UNUSED_SDK_OPTIONS
from serving.settings.predictor import PredictorSettings
from serving.settings.server import ServerSettings
from serving.settings.transformer import TransformerSettings
from serving.transformer.__main__ import main as transformer
from silencio.interpreter import silencio


def _message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], main: object, *words: str) -> str:
    """What a server says of a command line that it does not take: one sentence, whatever is wrong with it."""
    monkeypatch.setattr(sys, "argv", ["server", *words])
    with pytest.raises(SystemExit) as ended:
        main()  # type: ignore[operator]  # a command
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    return printed.err


def test_servers__name_all_options_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(serving.settings.server, "MOUNTED_BUNDLE", tmp_path / "models")
    bundle = f"--bundle DIR, a bundle's folder ({tmp_path}/models, KServe's own, is not there)"
    host = "--predictor_host HOST:PORT, the predictor's gRPC port"
    help_of = "; python -m serving.{} --help lists all options\n"
    assert _message(monkeypatch, capsys, predictor) == f"error: needed: {bundle}{help_of.format('predictor')}"
    assert (
        _message(monkeypatch, capsys, transformer)
        == f"error: needed: {bundle} and {host}{help_of.format('transformer')}"
    )
    assert _message(monkeypatch, capsys, transformer, "--bundle", "b").startswith(f"error: needed: {host}; ")
    # Where KServe mounts one, none need be named.
    (tmp_path / "models").mkdir()
    assert _message(monkeypatch, capsys, transformer).startswith(f"error: needed: {host}; ")


def test_servers__what_is_wrong_is_not_lost_in_the_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _message(monkeypatch, capsys, predictor, "--bogus").startswith("error: unrecognized arguments: --bogus; ")


def test_help__says_by_which_interpreter_keys_are_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "100%" / "python"))
    reported = " ".join(argument_parser("test", "", ServerSettings).format_help().split())
    # Lines break at hyphens as well.
    assert f"made by `{silencio()} keys new`".replace(" ", "") in reported.replace(" ", "")


def test_bundle__is_where_kserve_mounts_it_unless_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serving.settings.server, "MOUNTED_BUNDLE", tmp_path)
    for words, bundle in (([], tmp_path), (["--bundle", "b"], Path("b"))):
        monkeypatch.setattr(sys, "argv", ["server", *words])
        assert parsed_settings(argument_parser("test", "", ServerSettings), ServerSettings).bundle == bundle


@pytest.mark.parametrize("name", ["grpc_max_receive_message_length", "grpc_max_send_message_length"])
def test_limits__of_grpc_alone_are_not_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The SDK has them; two numbers for one thing would be one too many."""
    refused = _message(monkeypatch, capsys, predictor, "--bundle", "b", f"--{name}", "1000")
    assert refused.startswith(f"error: --{name} is not taken: --max_body_bytes is the limit of REST and gRPC; ")


def test_limits__of_a_body_may_be_larger_than_usual() -> None:
    limits = _entrance(ServerSettings(max_body_bytes=1 << 30), None, Accounting()).limits
    assert (limits.max_body_bytes, limits.max_body_bytes_in_flight) == (1 << 30, 1 << 30)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("--most_body_bytes", "--max_body_bytes"),
        ("--most_body_bytes_in_flight", "--max_body_bytes_in_flight"),
        ("--most_requests", "--max_concurrent_requests"),
        ("--longest_body_pause_s", "--body_read_timeout_s"),
        ("--most_batch_windows", "--max_batch_windows"),
        ("--most_wait_ms", "--max_batch_delay_ms"),
        ("--most_queued_windows", "--max_queued_windows"),
    ],
)
@pytest.mark.parametrize("how", ["{} 5", "{}=5", "{}"])
def test_renamed__an_old_option_is_refused_and_the_new_one_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str, old: str, new: str
) -> None:
    refused = _message(monkeypatch, capsys, predictor, "--bundle", "b", *how.format(old).split())
    assert refused.startswith(f"error: {old} is called {new} now; ")


def test_renamed__help_lists_the_new_names_alone() -> None:
    parser = argument_parser("test", "", PredictorSettings)
    assert "--max_concurrent_requests" in parser.format_help()
    assert "most_" not in parser.format_help()
    assert not any(name.startswith("most_") for name in vars(parser.parse_args([])))


def test_sdk__every_option_is_a_setting_or_is_named_as_one_that_does_nothing_here() -> None:
    """A new version of the SDK may have more: each is looked at."""
    listed = {one.dest for one in kserve.model_server.parser._actions}
    settings = {"ssl_certfile", "ssl_keyfile", *TransformerSettings.model_fields}
    assert listed - settings == {*UNUSED_SDK_OPTIONS, *_SDK_LIMITS}


def test_sdk__its_defaults_are_ours() -> None:
    ours_differ = {"model_name", "enable_latency_logging", "predictor_host"}
    for name in set(ServerSettings.model_fields) - ours_differ:
        if name in vars(kserve.model_server.parser.parse_args([])):
            assert kserve.model_server.parser.get_default(name) == ServerSettings.model_fields[name].get_default(
                call_default_factory=True
            )


def test_sdk__options_that_do_nothing_here_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """KServe's controller and old manifests pass some of them."""
    words = ["--bundle", str(tmp_path), "--workers", "3", "--predictor_protocol", "grpc-v2", "--protocol", "v2"]
    monkeypatch.setattr(sys, "argv", ["server", *words, "--enable_predictor_health_check"])
    parser = argument_parser("test", "", ServerSettings)
    assert parsed_settings(parser, ServerSettings).bundle == tmp_path


def test_servers__say_which_variable_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SILENCIO_HTTP_PORT", "http")
    assert _message(monkeypatch, capsys, predictor).startswith("error: SILENCIO_HTTP_PORT='http': a port is needed")


def test_sdk__its_own_parser_is_left_as_it_is() -> None:
    before = kserve.model_server.parser.format_help()
    argument_parser("test", "", TransformerSettings)
    assert kserve.model_server.parser.format_help() == before
