"""docs/settings.md has every option of every server, and says the same as the settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from serving.settings import ServingSettings
from serving.settings.local import LocalSettings
from serving.settings.page import page
from serving.settings.predictor import PredictorSettings
from serving.settings.server import ServerSettings
from serving.settings.transformer import TransformerSettings

PAGE = (Path(__file__).parents[3] / "docs" / "settings.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")}
SHARED = "Both servers"


def test_page__is_made_of_the_settings() -> None:
    assert page() == PAGE, "python -m serving.settings > docs/settings.md"


@pytest.mark.parametrize(
    ("settings", "sections"),
    [
        (ServerSettings, [SHARED]),
        (TransformerSettings, [SHARED, "The transformer"]),
        (PredictorSettings, [SHARED, "The predictor"]),
        (LocalSettings, ["`silencio serve`"]),
    ],
)
def test_page__has_a_row_for_every_option(settings: type[ServingSettings], sections: list[str]) -> None:
    rows = "".join(SECTIONS[name] for name in sections)
    listed = re.findall(r"^\| `(--\S+?)[ `][^|]*\| `(SILENCIO_\w+)` \|", rows, re.MULTILINE)
    assert set(listed) == {(settings.flag(name), f"SILENCIO_{name.upper()}") for name in settings.model_fields}
