"""Steps wait in a queue of Kueue's by labels of their pods, all of them or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.batch_score import batch_score_pipeline
from pipelines.compile import COMPILED, one_line, write_package
from pipelines.ir_check import faults_in
from pipelines.ir_check.package import read_package
from pipelines.queues import PRIORITY_LABEL, QUEUE_LABEL, Queue, queue_labels, queued
from pipelines.release import release_pipeline
from pipelines.train import train_pipeline
from silencio.__main__ import main
from silencio.config import preset_text, resolve
from silencio.errors import ConfigError, PipelineError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Compiled with a queue, for reading."""
    folder = tmp_path_factory.mktemp("queued")
    text = preset_text("reserve-fast")
    with queued(Queue("lq-train", "train-high")):
        write_package(train_pipeline("reserve-fast", resolve(text), one_line(text)), folder / "train.yaml")
        write_package(batch_score_pipeline(), folder / "batch-score.yaml")
        write_package(release_pipeline(), folder / "release.yaml")
    return sorted(folder.iterdir())


def test_compiled__has_the_labels_on_every_step(files: list[Path]) -> None:
    for path in files:
        package = read_package(path)
        assert faults_in(path) == []
        for label, _ in package.containers():
            labels = package.kubernetes[label]["podMetadata"]["labels"]
            assert labels == {QUEUE_LABEL: "lq-train", PRIORITY_LABEL: "train-high"}, f"{path.name}: {label}"


@pytest.mark.parametrize(
    ("command", "called"),
    [
        (["compile", "--out", "OUT"], "pipelines.compile.compile_all"),
        (["submit", "train", "--preset", "demo", "--host", "http://127.0.0.1:9"], "pipelines.submit.submit_train"),
    ],
    ids=["compile", "submit"],
)
def test_command__makes_its_graphs_wait_in_the_queue(
    command: list[str], called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[dict[str, str]]()

    def made(*arguments: object, **options: object) -> None:
        seen.append(queue_labels())
        raise PipelineError("seen")

    monkeypatch.setattr(called, made)
    words = [str(tmp_path) if one == "OUT" else one for one in command]
    assert main([*words, "--queue", "lq-train", "--priority", "train-normal"]) == 1
    assert main(words) == 1
    assert seen == [{QUEUE_LABEL: "lq-train", PRIORITY_LABEL: "train-normal"}, {}]


def test_compiled__without_a_queue_has_no_label() -> None:
    assert not [path for path in COMPILED.glob("*.yaml") if "kueue" in path.read_text(encoding="utf-8")]


def test_queue__holds_while_a_graph_is_made_and_no_longer() -> None:
    with pytest.raises(ZeroDivisionError), queued(Queue("lq-train")):
        assert queue_labels() == {QUEUE_LABEL: "lq-train"}
        _ = 1 / 0
    assert queue_labels() == {}


@pytest.mark.parametrize(("name", "priority"), [("lq-train", "urgent"), ("", "train-high")])
def test_queue__that_nobody_would_admit_is_refused(name: str, priority: str) -> None:
    with pytest.raises(ConfigError, match=r"is none|name it by --queue"):
        Queue(name, priority)


def test_compile__of_the_committed_files_takes_no_queue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "--queue", "lq-train"]) == 1
    assert "--queue need --out" in capsys.readouterr().err
