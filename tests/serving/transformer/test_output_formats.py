"""An output format is written in one file: what is made of the registry has a new one at once."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from silencio.detections.formats import FORMATS

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "predict.md").read_text(encoding="utf-8")
# In a process of its own: the names of formats are part of types, which are made when a module is imported.
WITH_ONE_MORE = textwrap.dedent(
    """
    import argparse, json
    from silencio.detections import formats

    def count(named, model):
        for name, document in named:
            yield f"{name} {len(document.windows)} {model.band_hz}\\n"

    formats.FORMATS = {
        **formats.FORMATS,
        "count": formats.OutputFormat("count", "text/x-count", ".count.txt", count, menu_entry="Number of <windows>"),
    }
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from serving.cli.predict import configure
    from serving.predict.output import print_answers, write_answers
    from serving.transformer.openapi import openapi
    from serving.transformer.page.routes import add_page
    from serving.transformer.request.fields import PredictOptions, validated
    from silencio.detections import RecordingDocument

    from pathlib import Path
    document = RecordingDocument.model_construct(windows=[1, 2, 3])
    print_answers([(Path("dawn.ogg"), document)], "count", lambda: (50.0, 16000.0))
    write_answers([(Path("dawn.ogg"), document)], "count", lambda: None, Path("out"), [Path("dawn.ogg")])
    parser = argparse.ArgumentParser()
    configure(parser)
    app = FastAPI()
    add_page(app)
    print(json.dumps({
        "openapi": openapi(),
        "format": parser.parse_args(["--url", "http://x", "--format", "count", "a.ogg"]).format,
        "options": validated(PredictOptions, {"format": "count"}, "parameters").format,
        "page": TestClient(app).get("/", headers={"accept": "text/html"}).text,
        "written": Path("out/dawn.count.txt").read_text(),
    }))
    """
)


def test_format__that_is_added_to_the_registry_is_everywhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITH_ONE_MORE], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    printed, made = done.stdout.split("\n", 1)
    made = json.loads(made)
    # The command line.
    assert (printed, made["format"], made["written"]) == ("dawn.ogg 3 (50.0, 16000.0)", "count", "dawn.ogg 3 None\n")
    # The endpoint and its description.
    assert made["options"] == "count"
    options = made["openapi"]["components"]["schemas"]["TableOptions"]["properties"]["format"]["enum"]
    assert options == [*FORMATS, "count"]
    upload = made["openapi"]["paths"]["/v1/models/silencio:upload_table"]["post"]
    (parameter,) = (one for one in upload["parameters"] if one.get("name") == "format")
    assert parameter["schema"]["enum"] == [*FORMATS, "count"]
    assert "text/x-count" in upload["responses"]["200"]["content"]
    # The page.
    assert 'data-format="count" data-suffix=".count.txt">Number of &lt;windows&gt;</button>' in made["page"]
    assert 'data-format="raven" data-suffix=".Table.1.selections.txt">Raven selection table</button>' in made["page"]
    assert "data-format" in made["page"].split("JSON answer")[0]


@pytest.mark.parametrize("name", FORMATS)
def test_format__is_documented_with_its_media_type(name: str) -> None:
    one = FORMATS[name]
    assert f"`{name}` (`{one.media_type.partition(';')[0]}`):" in DOCUMENTED
    assert f"`json`, {', '.join(f'`{other}`' for other in FORMATS)} |" in DOCUMENTED
