"""What of `kfp.local` 2.17 is replaced while a pipeline runs on this machine; the SDK has no interface for any of it.

- `execute_single_task` runs one step. It knows of no finished ones, and has no hook before or after.
- `run_local_subprocess` starts a step's process. It leaves it running when the run ends, and shows all that it prints.
- `DockerTaskHandler.run` starts a step's container. It leaves that running, too, takes one that ends early for a good
  one, and asks an engine that need not be the one of Docker's own client.
- `create_parameter_loop_iteration_task_spec` hands a loop's body the item in the place of every output of another step.
- `local_logger_context` and `indented_print` give the root logger a handler for each step; side by side, steps undo one
  another's.

Other versions are refused by the bounds in `pyproject.toml`; `tests/pipelines/local` runs pipelines through all of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from kfp.local import docker_task_handler, logging_utils, status, subprocess_task_handler
from kfp.local.orchestrator import task_executor, task_spec_utils

# Of one step, by its task: outputs, and whether it ended well.
Executed = tuple[dict[str, Any], status.Status]


@contextlib.contextmanager
def steps_run_by(
    execute: Callable[[Callable[..., Executed], dict[str, Any]], Executed],
    run_process: Callable[..., int],
) -> Iterator[None]:
    """While this holds, `kfp.local` asks these.

    Args:
        execute: Runs one step, given the SDK's own function for it and the arguments of that.
        run_process: Runs a command with variables of the environment, here or in a container, and returns its exit
            status.
    """

    def run_container(handler: docker_task_handler.DockerTaskHandler) -> status.Status:
        # The image and the places that it sees are the launcher's.
        code = run_process(handler.full_command, handler.env_vars)
        return status.Status.SUCCESS if code == 0 else status.Status.FAILURE

    own = task_executor.execute_single_task
    iteration = task_spec_utils.create_parameter_loop_iteration_task_spec
    with (
        _replaced(task_executor, "execute_single_task", lambda **task: execute(own, task)),
        _replaced(subprocess_task_handler, "run_local_subprocess", run_process),
        _replaced(docker_task_handler.DockerTaskHandler, "run", run_container),
        _replaced(
            task_spec_utils,
            "create_parameter_loop_iteration_task_spec",
            lambda loop, item, name: _with_outputs_of_steps(iteration(loop, item, name), loop),
        ),
        _replaced(logging_utils, "local_logger_context", contextlib.nullcontext),
        _replaced(logging_utils, "indented_print", contextlib.nullcontext),
    ):
        yield


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _with_outputs_of_steps(iteration: Any, loop: Any) -> Any:
    """One pass of a loop, with what other steps hand to it as the loop has it; kfp.local puts the item there."""
    for name, given in loop.inputs.parameters.items():
        if given.HasField("task_output_parameter") and name != loop.parameter_iterator.item_input:
            iteration.inputs.parameters[name].CopyFrom(given)
    return iteration
