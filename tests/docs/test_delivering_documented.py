"""docs/delivering.md against the pipeline, the component and the command that it describes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.image import VERSION
from pipelines.compile import COMPILED
from serving.canary.steps.delivery_due import BY_HAND, NEW
from silencio.__main__ import main
from silencio.release.deliveries import FOLDER
from tests.pipelines.kfp_stub import KfpStub

PAGE = (Path(__file__).parents[2] / "docs" / "delivering.md").read_text(encoding="utf-8")


def graph() -> dict[str, Any]:
    text = (COMPILED / f"deliver-{VERSION}.yaml").read_text(encoding="utf-8")
    return dict(next(yaml.load_all(text, yaml.CSafeLoader)))


def test_nodes__are_those_of_the_graph() -> None:
    table = PAGE.split("| node |")[1].split("\n\n")[0]
    rows = [re.findall(r"`([a-z-]+)`", line.split("|")[1]) for line in table.splitlines()[2:]]
    spec = graph()
    root = spec["root"]["dag"]["tasks"]
    (due,) = [name for name, task in root.items() if "triggerPolicy" in task]
    inner = spec["components"][root[due]["componentRef"]["name"]]["dag"]["tasks"]
    assert {name for row in rows for name in row} == (root.keys() - {due}) | inner.keys()


def test_triggers__are_those_of_the_step() -> None:
    assert f'"trigger={BY_HAND}"' in PAGE and f"`trigger={NEW}`" in PAGE
    default = graph()["root"]["inputDefinitions"]["parameters"]["trigger"]["defaultValue"]
    assert default == NEW
    assert f"below `packages` in `{FOLDER}`" in PAGE


def test_command__is_taken_as_a_recurring_run() -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    arguments = shlex.split(block.replace("\\\n", " "))[1:]
    with KfpStub() as kfp:
        host = arguments.index("--host") + 1
        assert main([*arguments[:host], kfp.url, *arguments[host + 1 :]]) == 0
        (made,) = kfp.schedules.values()
    assert made["trigger"] == {"cron_schedule": {"cron": "0 */15 * * * *"}}
    assert made["runtime_config"]["parameters"]["staging"] == "kserve:silencio-staging/silencio"


@pytest.mark.parametrize("name", ["place", "packages", "recordings", "staging", "staging_url", "champion_uri"])
def test_parameters__that_the_page_names_are_the_pipeline_s(name: str) -> None:
    assert name in graph()["root"]["inputDefinitions"]["parameters"]
