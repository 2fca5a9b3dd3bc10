"""Where this process runs: what the environment says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from silencio.errors import ConfigError
from silencio.settings import Settings

VARIABLE = re.compile(r"SILENCIO_[A-Z_]+")
FIELDS = list(Settings.model_fields)


def _documented() -> dict[str, list[str]]:
    """For each field that the docstring describes, the environment variables that it names there."""
    paragraphs = re.split(r"\n {8}(?=\w+: )", str(Settings.__doc__))[1:]
    return {text.partition(":")[0]: VARIABLE.findall(text) for text in paragraphs}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if VARIABLE.fullmatch(name):
            monkeypatch.delenv(name)


def test_docstring__names_every_field_with_its_variable() -> None:
    assert {name: len(variables) for name, variables in _documented().items()} == dict.fromkeys(FIELDS, 1)


def test_docstring__names_the_variable_that_is_read() -> None:
    assert {name: [Settings.variable(name)] for name in FIELDS} == _documented()


@pytest.mark.parametrize("name", FIELDS)
def test_variable__in_the_docstring_is_the_one_that_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = getattr(Settings(), name)
    monkeypatch.setenv(_documented()[name][0], "41")
    after = getattr(Settings(), name)
    assert after != before
    assert str(after) == "41"
    assert before is None or type(after) in (int, type(before))


def test_settings__every_time_they_are_made_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_THREADS", "3")
    first = Settings()
    monkeypatch.setenv("SILENCIO_THREADS", "5")
    assert (first.n_threads, Settings().n_threads) == (3, 5)


def test_n_threads__by_default_are_the_cores_that_may_be_used() -> None:
    assert 1 <= Settings().n_threads <= (os.cpu_count() or 1)


def test_session_threads__by_default_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_THREADS", "8")
    assert Settings().session_threads == 1


def test_cache__by_default_is_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings().cache == tmp_path / "silencio"
    for unset in (None, ""):
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        if unset is not None:
            monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert Settings().cache == Path.home() / ".cache" / "silencio"


def test_cache__that_is_set_to_nothing_is_the_default_not_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Settings().cache
    monkeypatch.setenv("SILENCIO_CACHE", "")
    assert Settings().cache == before


@pytest.mark.parametrize("variable", ["SILENCIO_THREADS", "SILENCIO_SESSION_THREADS"])
@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", " ", "²"])
def test_threads__that_are_no_number_are_refused(variable: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigError) as caught:
        Settings()
    assert str(caught.value) == f"{variable}={text!r}: a whole number of at least 1 is needed"


def test_settings__are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().n_threads = 2  # type: ignore[misc]  # what is tested


def test_settings__can_be_given_instead_of_read(tmp_path: Path) -> None:
    assert Settings(n_threads=2, cache=tmp_path, session_threads=1).cache == tmp_path


def test_settings__a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="n_thread is no setting"):
        Settings(n_thread=2)


def test_settings__given_ones_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_THREADS", "3")
    assert Settings(n_threads=2).n_threads == 2
    with pytest.raises(ConfigError, match="n_threads=0: a whole number of at least 1 is needed"):
        Settings(n_threads=0)
