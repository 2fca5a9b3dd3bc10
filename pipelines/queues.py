"""The queue in which a run's steps wait for processors, memory and GPUs: labels that Kueue reads of their pods."""

from __future__ import annotations

import argparse
import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from silencio.errors import ConfigError

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
PRIORITY_LABEL = "kueue.x-k8s.io/priority-class"
# Of manifests/overlays/queues: one that the cluster does not have admits nothing, and Kueue is silent about it.
PRIORITIES = ("train-high", "train-normal")


@dataclass(frozen=True)
class Queue:
    """Where the steps of a run wait.

    Attributes:
        name: Name of a LocalQueue in the namespace of the runs; empty: they do not wait.
        priority: Which waits first; empty: none is named.

    Raises:
        ConfigError: There is no such priority, or no queue for it.
    """

    name: str = ""
    priority: str = ""

    def __post_init__(self) -> None:
        if self.priority not in ("", *PRIORITIES):
            raise ConfigError(f"the priority {self.priority!r} is none: {', '.join(PRIORITIES)}")
        if self.priority and not self.name:
            raise ConfigError(f"--priority {self.priority} is one in a queue: name it by --queue")

    @property
    def labels(self) -> dict[str, str]:
        """Labels of each pod."""
        given = {QUEUE_LABEL: self.name, PRIORITY_LABEL: self.priority}
        return {key: value for key, value in given.items() if value}


_QUEUE = ContextVar("queue", default=Queue())  # noqa: B039  # it is frozen


def queue_labels() -> dict[str, str]:
    """Labels of the pods of whatever graph is being made."""
    return _QUEUE.get().labels


@contextlib.contextmanager
def queued(queue: Queue) -> Iterator[None]:
    """While this holds, steps of graphs that are made wait in a queue."""
    before = _QUEUE.set(queue)
    try:
        yield
    finally:
        _QUEUE.reset(before)


def in_queue(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """A command whose graphs wait in the queue that its options name."""

    @functools.wraps(command)
    def run(options: argparse.Namespace) -> int:
        with queued(Queue(options.queue, options.priority)):
            return command(options)

    return run
