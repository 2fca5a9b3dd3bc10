"""An MLflow server that goes away in the middle of `train`, at one stage after another: `pytest -m survival` (minutes).

Every start trains one small head; the server is killed as the run reaches the stage, and brought back before the same
command is given again. What the run did meanwhile is not done again, and in the end is recorded as if nobody had left.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from silencio.bundle import Bundle
from silencio.registry.models import promote, register_version
from silencio.registry.runs import children_of
from tests.tiny_reserve import TINY_DEMO, write_source
from tests.unit.registry.places import Server, fresh_database
from tests.waiting import HANG_S, until

pytestmark = [pytest.mark.survival, pytest.mark.timeout(8 * 3600)]

ROOT = Path(__file__).parents[2]
# One head: the server does not know how many there are.
ONE_HEAD = TINY_DEMO.replace("  effnet_lora: {epochs: 1, batch_size: 4, rank: 4}\n", "  effnet_lora: null\n")
EPOCHS = 4


class Tracked:
    """`run train` of the made-up reserve, tracked by a server."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.server = Server(folder / "server", fresh_database(folder / "server"))
        self.server.start()
        self.folder = folder
        write_source(folder / "source")
        (folder / "tiny.yaml").write_text(ONE_HEAD)
        self._said = folder / "said.txt"

    @property
    def said(self) -> str:
        return self._said.read_text()

    def start(self, stage: str) -> subprocess.Popen[bytes]:
        """The same stage is the same command; another one trains its head anew."""
        command = [sys.executable, "-m", "pipelines", "run", "train", "--data", str(self.folder / "source")]
        command += ["--preset", "demo", "--config", str(self.folder / "tiny.yaml"), "--out", str(self.folder / stage)]
        environment = {**os.environ, "MLFLOW_TRACKING_URI": self.server.uri}
        with self._said.open("w") as said:
            return subprocess.Popen(
                [*command, "--set", f"heads.raw_cnn.epochs={EPOCHS}"],
                cwd=ROOT,
                env=environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def runs(self) -> list[Run]:
        """The pipelines' runs, the latest first."""
        client = MlflowClient(self.server.uri)
        experiment = client.get_experiment_by_name("silencio")
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        return [run for run in found if "mlflow.parentRunId" not in run.data.tags]

    def has_champion(self, stage: str) -> bool:
        """Whether it was fetched, or that there is none."""
        fetched = (self.folder / stage / "artifacts").glob("*/fetch-champion/bundle/*")
        return any(path.name in ("bundle.json", "no-champion.txt") for path in fetched)

    def has_epochs(self) -> bool:
        client = MlflowClient(self.server.uri)
        children = [child for run in self.runs()[:1] for child in children_of(client, run.info.run_id)]
        return any("loss" in child.data.metrics for child in children)


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    tracked = Tracked(tmp_path_factory.mktemp("tracked"))
    try:
        yield tracked
    finally:
        tracked.server.kill()


STAGES: dict[str, Callable[[Tracked], bool]] = {
    "before-train": lambda tracked: "] split" in tracked.said,
    "in-an-epoch": Tracked.has_epochs,
    "before-evaluate": lambda tracked: "] fuse" in tracked.said,
    "before-register": lambda tracked: "] judge" in tracked.said,
}


@pytest.mark.parametrize("stage", STAGES)
def test_server__killed_at_a_stage_and_brought_back(
    stage: str, tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = tracked.start(stage)
    until(
        lambda: process.poll() is not None or (tracked.has_champion(stage) and STAGES[stage](tracked)),
        lambda: tracked.said,
    )
    assert process.poll() is None, tracked.said
    tracked.server.kill()
    # Training, evaluation and the verdict need no server; the record does, and says so.
    assert process.wait(HANG_S) == 1, tracked.said
    assert "error: step register failed: the MLflow server" in tracked.said.splitlines()[-1]

    tracked.server.start()
    again = tracked.start(stage)
    assert again.wait(HANG_S) == 0, tracked.said
    assert "] train-raw-cnn: taken up, done " in tracked.said
    client = MlflowClient(tracked.server.uri)
    number = list(STAGES).index(stage) + 1
    assert len(tracked.runs()) == number, "each command is one run, however often it was started"
    run = tracked.runs()[0]
    assert (run.info.status, run.data.tags["verdict"]) == ("FINISHED", "refused")
    assert run.data.metrics["test/top1"] >= 0
    (head,) = children_of(client, run.info.run_id)
    assert (head.info.run_name, head.info.status) == ("raw_cnn", "FINISHED")
    for name in ("loss", "learning_rate", "epoch_s"):
        assert [point.step for point in client.get_metric_history(head.info.run_id, name)] == list(range(EPOCHS))
    assert "validation_top1" in head.data.metrics

    # From the first on, there is a champion; it was fetched while the server was there.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracked.server.uri)
    bundle = Bundle(tracked.folder / stage / "bundle")
    if number == 1:
        register_version(client, run.info.run_id, bundle.manifest)
        promote(1)
    else:
        champion = client.get_model_version("silencio", "1").tags["bundle_version"]
        assert f'"champion": "{champion}"' in (tracked.folder / stage / "evaluation.json").read_text()
