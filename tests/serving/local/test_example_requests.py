"""What the printed commands give curl; that servers understand them, `test_up_command` shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from serving.local.example_requests import example_requests

KEY = "sk-0123456789"
# Writes down its arguments, which everybody on the machine can see, and asks nobody.
_SPY = """#!/bin/sh
printf '%s\\n' "$@" > arguments
for word in "$@"; do
  case $word in
    @-) cat > header ;;
    @/dev/fd/3) cat /dev/fd/3 > body ;;
  esac
done
"""


def _curl_commands(text: str) -> list[str]:
    found = re.findall(r"^  \S(?:.*\\\n)*.*$", text, re.M)
    return [one.replace("FILE", "clip.ogg") for one in found if "curl" in one]


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "ksh"])
@pytest.mark.parametrize("number", [0, 1], ids=["recording", "JSON"])
def test_curl__gets_the_key_where_no_list_of_processes_shows_it(number: int, shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    (tmp_path / "curl").write_text(_SPY)
    (tmp_path / "curl").chmod(0o755)
    (tmp_path / "clip.ogg").write_bytes(b"OggS")
    command = _curl_commands(example_requests("http://127.0.0.1:8080", Path("keys.csv"), None))[number]
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "SILENCIO_API_KEY": KEY}
    subprocess.run([shell, "-c", command], check=True, env=environment, cwd=tmp_path)
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[-1].startswith("http://127.0.0.1:8080/")
    assert not [word for word in arguments if KEY in word]
    assert (tmp_path / "header").read_text() == f"Authorization: Bearer {KEY}\n"
    if number == 1:
        assert (tmp_path / "body").read_text().startswith('{"instances":[{"audio":{"b64":"T2dnUw=="}}]')


def test_curl__is_asked_for_no_header_where_no_key_is_wanted() -> None:
    commands = _curl_commands(example_requests("http://127.0.0.1:8080", None, None))
    assert len(commands) == 2
    assert not [one for one in commands if "Authorization" in one or "-H @" in one]
