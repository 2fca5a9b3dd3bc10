"""The command's options, and how it ends where Prometheus does not answer."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitoring.cli.monitor import configure
from silencio.errors import ServingError
from silencio.network import free_ports


def _parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    configure(parser)
    return parser.parse_args(["--prometheus", "http://127.0.0.1:9090", "--out", "pages", *options])


def test_at__is_a_moment_with_its_offset() -> None:
    assert _parsed("--at", "2026-11-30T07:00:00-05:00").at == datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert _parsed().at is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--at", "yesterday"), "'yesterday' is no time"),
        (("--at", "2026-11-30T07:00:00"), "write 2026-11-30T07:00:00+00:00 where UTC is meant"),
        (("--hours", "0"), "'0' is no number of hours"),
        (("--hours", "nan"), "'nan' is no number of hours"),
        (("--hours", "a day"), "'a day' is no number of hours"),
    ],
)
def test_options__wrong_ones_are_one_sentence(
    options: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _parsed(*options)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_command__without_prometheus_names_its_pages_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = _parsed("--prometheus", f"http://127.0.0.1:{free_ports(1)[0]}", "--out", str(tmp_path / "pages"))
    with pytest.raises(ServingError, match="does not answer.*pages are written"):
        options.run(options)
    page = tmp_path / "pages" / "index.html"
    assert capsys.readouterr().out == f"{page}\n"
    assert "Prometheus does not answer" in page.read_text(encoding="utf-8")
    # The dashboards and runbooks of this very version.
    assert 'href="runbooks/SilencioSlow.html"' in page.read_text(encoding="utf-8")
