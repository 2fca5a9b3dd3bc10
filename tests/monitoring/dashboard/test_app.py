"""The dashboard's page, run by Streamlit's own test harness: every view, with filters and without data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny_reserve import ANIMALS, PER_SPECIES, write_source

pytestmark = pytest.mark.monitoring
testing = pytest.importorskip("streamlit.testing.v1", reason="needs .venv-monitor: make monitoring")

APP = Path(__file__).parents[3] / "monitoring" / "dashboard" / "app.py"
N = len(ANIMALS) * PER_SPECIES
VIEWS = ("Species", "Ratings and lengths", "Places", "Faults", "Recordings")


@pytest.fixture(scope="module")
def reserve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("reserve"))


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., testing.AppTest]:
    def opened(data: Path, bundle: str = "", log: str = "") -> testing.AppTest:
        monkeypatch.setattr("sys.argv", ["app.py", str(data), bundle, log])
        return testing.AppTest.from_file(str(APP), default_timeout=600).run()

    return opened


def view(app: testing.AppTest, name: str) -> testing.AppTest:
    return app.sidebar.radio[0].set_value(name).run()


def test_page__every_view_is_shown(page: Callable[..., testing.AppTest], reserve: Path) -> None:
    app = page(reserve)
    assert app.sidebar.radio[0].options == list(VIEWS)
    for name in VIEWS:
        app = view(app, name)
        assert app.title[0].value == name
        assert not app.exception
        assert not app.error


def test_page__a_filter_holds_in_all_views(page: Callable[..., testing.AppTest], reserve: Path) -> None:
    app = page(reserve)
    app = app.sidebar.multiselect[0].set_value(["Aves"]).run()
    assert app.caption[0].value.startswith(f"{PER_SPECIES} of {N} recordings")
    assert app.sidebar.multiselect[1].options == ["Great Kiskadee (grekis)"]
    app = view(app, "Recordings")
    assert all(name.startswith("grekis/") for name in app.main.selectbox[0].options)


def test_page__filters_that_leave_nothing_are_a_sentence(page: Callable[..., testing.AppTest], reserve: Path) -> None:
    app = page(reserve)
    for name in VIEWS:
        app = view(app, name)
        app = app.sidebar.text_input[0].set_value("no such recording").run()
        assert not app.exception
    assert app.info[0].value == "No recording is left: widen the filters."


def test_page__a_recording_that_is_no_audio_is_a_sentence(page: Callable[..., testing.AppTest], tmp_path: Path) -> None:
    root = write_source(tmp_path / "broken", per_species=1)
    (root / "train_audio" / "grekis" / "grekis_0.ogg").write_bytes(b"no audio")
    app = view(page(root), "Recordings")
    app = app.main.selectbox[0].set_value("grekis/grekis_0.ogg").run()
    assert "not audio that can be decoded" in app.error[0].value
    assert not app.exception


def test_page__faults_of_the_sound_are_found_on_demand(page: Callable[..., testing.AppTest], tmp_path: Path) -> None:
    root = write_source(tmp_path / "broken", per_species=2)
    (root / "train_audio" / "grekis" / "grekis_0.ogg").write_bytes(b"no audio")
    app = view(page(root), "Faults")
    kinds = {row for table in app.dataframe for row in table.value.get("kind", [])}
    assert "undecodable" not in kinds
    app = app.main.toggle[0].set_value(True).run()
    assert "undecodable" in set(app.dataframe[0].value["kind"])


def test_page__without_data_is_a_sentence(page: Callable[..., testing.AppTest], tmp_path: Path) -> None:
    app = page(tmp_path / "nothing")
    assert "is not a folder" in app.error[0].value
    assert not app.exception


def test_page__an_empty_log_is_a_sentence(page: Callable[..., testing.AppTest], reserve: Path, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    app = view(page(reserve, log=str(tmp_path / "log")), "Prediction log")
    assert app.info[0].value == "Nothing was logged in the last 30 days."


def test_page__predicts_and_explains_by_a_bundle(
    page: Callable[..., testing.AppTest], reserve: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="writes a bundle: needs requirements/monitor-tests.txt")
    from tests.unit.explanations.listening_bundle import write_listening_bundle

    app = view(page(reserve, bundle=str(write_listening_bundle(tmp_path / "bundle"))), "Recordings")
    app = app.main.selectbox[0].set_value("grekis/grekis_3.ogg").run()
    windows = app.dataframe[1].value
    assert set(windows["start_s"]) == {0.0, 2.0}
    assert windows["probability"].between(0, 1).all()
    app = app.main.button[0].click().run()
    assert not app.exception
    assert "orange is what it rests on" in app.caption[-1].value
