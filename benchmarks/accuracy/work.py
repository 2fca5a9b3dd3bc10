"""Which jobs there are, and two processes that work on them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial

from tqdm import tqdm

from benchmarks.accuracy.job_process import begin
from benchmarks.accuracy.jobs import (
    REFERENCES,
    SELF_TRAINING,
    Run,
    head_job,
    reference_job,
    self_training_job,
    student_job,
)
from silencio.config import STUDENT

Job = Callable[[], None]


def jobs(run: Run, fold: int) -> dict[str, tuple[Job, tuple[str, ...]]]:
    """The jobs of a fold by name, each with the jobs that must be finished before it."""
    heads = tuple(run.config.heads)
    found: dict[str, tuple[Job, tuple[str, ...]]] = {REFERENCES: (partial(reference_job, run, fold), ())}
    # The one that takes an encoder: the others would take as long again.
    quick = next((name for name, head in run.config.heads.items() if head.encoder_names), None)
    for name in heads:
        found[name] = (partial(head_job, run, fold, name), (REFERENCES,))
    if run.config.self_training and quick:
        found[SELF_TRAINING] = (partial(self_training_job, run, fold, quick), (REFERENCES,))
    if run.config.student:
        found[STUDENT] = (partial(student_job, run, fold, heads), heads)
    return found


def work(run: Run, folds: list[int], n_processes: int) -> None:
    """Run every job that is not finished, those of the first folds first."""
    waiting = {(fold, name): job for fold in folds for name, job in jobs(run, fold).items()}
    finished = {key for key in waiting if run.kept(*key).exists()}
    bar = tqdm(total=len(waiting), initial=len(finished), desc="accuracy", unit="job")
    waiting = {key: job for key, job in waiting.items() if key not in finished}
    running: dict[Future[None], tuple[int, str]] = {}
    # Spawned: a forked process would inherit the locks of torch's threads.
    with ProcessPoolExecutor(n_processes, multiprocessing.get_context("spawn"), begin) as pool:
        while waiting or running:
            for (fold, name), (job, needs) in list(waiting.items()):
                if len(running) < n_processes and all((fold, need) in finished for need in needs):
                    running[pool.submit(job)] = (fold, name)
                    del waiting[fold, name]
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                finished.add(running.pop(future))
                bar.update()
    bar.close()
