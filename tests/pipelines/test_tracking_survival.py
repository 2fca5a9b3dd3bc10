"""An MLflow server that goes away in the middle of `train`, at one stage after another: `pytest -m survival` (minutes).

Every command trains one small head; the server is killed as the run reaches a stage, and brought back before the same
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
        self.out = folder / "run"
        self._printed = folder / "said.txt"
        self._commands: set[int] = set()

    @property
    def printed(self) -> str:
        return self._printed.read_text()

    def start(self, n_epochs: int) -> subprocess.Popen[bytes]:
        """With the same number it is the same command; another one trains the head anew."""
        self._commands.add(n_epochs)
        command = [sys.executable, "-m", "silencio", "run", "train", "--data", str(self.folder / "source")]
        command += ["--preset", "demo", "--config", str(self.folder / "tiny.yaml"), "--out", str(self.out)]
        environment = {**os.environ, "MLFLOW_TRACKING_URI": self.server.uri}
        with self._printed.open("w") as printed:
            return subprocess.Popen(
                [*command, "--set", f"heads.raw_cnn.epochs={n_epochs}"],
                cwd=ROOT,
                env=environment,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )

    def reaches(self, process: subprocess.Popen[bytes], stage: Callable[[], bool]) -> None:
        """Returns when the run is there, and has not ended."""
        until(lambda: process.poll() is not None or stage(), lambda: self.printed)
        assert process.poll() is None, self.printed

    @property
    def n_commands(self) -> int:
        return len(self._commands)

    def runs(self) -> list[Run]:
        """The pipelines' runs, the latest first."""
        client = MlflowClient(self.server.uri)
        experiment = client.get_experiment_by_name("silencio")
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        return [run for run in found if "mlflow.parentRunId" not in run.data.tags]

    def has_epochs(self) -> bool:
        """Whether the server has metrics of the latest command's head."""
        runs = self.runs()
        if len(runs) < self.n_commands:
            return False
        children = children_of(MlflowClient(self.server.uri), runs[0].info.run_id)
        return any("loss" in child.data.metrics for child in children)


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    tracked = Tracked(tmp_path_factory.mktemp("tracked"))
    try:
        yield tracked
    finally:
        tracked.server.kill()


def test_server__that_dies_before_training(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    process = tracked.start(EPOCHS)
    # The champion is there, or known not to be, when recordings are looked through.
    tracked.reaches(process, lambda: "] split" in tracked.printed)
    tracked.server.kill()
    run = recorded_in_the_end(process, tracked, EPOCHS)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracked.server.uri)
    bundle = Bundle(tracked.out / "bundle")
    # For the test below: its candidate is compared with this one, though its gates refused it.
    register_version(MlflowClient(tracked.server.uri), run.info.run_id, bundle.manifest)
    promote(1, without_release="the first one")


def test_server__that_dies_in_an_epoch_and_again_before_evaluation(tracked: Tracked) -> None:
    """After the test above: there is a champion, and what comes before training is taken up."""
    process = tracked.start(EPOCHS + 1)
    tracked.reaches(process, tracked.has_epochs)
    tracked.server.kill()
    tracked.reaches(process, lambda: "] fit-ensemble" in tracked.printed)
    tracked.server.start()
    tracked.reaches(process, lambda: "] export" in tracked.printed)
    tracked.server.kill()
    recorded_in_the_end(process, tracked, EPOCHS + 1)
    champion = MlflowClient(tracked.server.uri).get_model_version("silencio", "1").tags["bundle_version"]
    assert f'"champion": "{champion}"' in (tracked.out / "evaluation.json").read_text()


def recorded_in_the_end(process: subprocess.Popen[bytes], tracked: Tracked, n_epochs: int) -> Run:
    """Nobody answers at the end of a run; the server comes back, and the same command is given again."""
    # Training, evaluation and the verdict need no server; the record does, and says so.
    assert process.wait(HANG_S) == 1, tracked.printed
    assert "error: step register failed: the MLflow server" in tracked.printed.splitlines()[-1]
    n_runs = tracked.n_commands
    tracked.server.start()
    assert tracked.start(n_epochs).wait(HANG_S) == 0, tracked.printed
    assert "] train-raw-cnn: taken up, done " in tracked.printed
    runs = tracked.runs()
    assert len(runs) == n_runs, "each command is one run, however often it was started"
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert runs[0].data.tags["verdict"] == "refused"
    assert "test/top1" in runs[0].data.metrics
    client = MlflowClient(tracked.server.uri)
    (head,) = children_of(client, runs[0].info.run_id)
    assert (head.info.run_name, head.info.status) == ("raw_cnn", "FINISHED")
    for name in ("loss", "learning_rate", "epoch_s"):
        points = client.get_metric_history(head.info.run_id, name)
        assert [point.step for point in points] == list(range(n_epochs)), name
    assert "validation_top1" in head.data.metrics
    return runs[0]
