"""What a step's process begins with: it ends with the run that started it, and says in one sentence why it failed.

A step is a shell command that runs kfp's executor. Here and in the compiled pipelines the command runs this module
instead, which watches over a child that runs kfp's executor. What the child had written before its executor came to its
end counts: a step is not failed by how its interpreter ends, which libraries' threads abort by chance.

`kfp.local` leaves a step running when it is killed itself. When a run of this machine is killed, the kernel tells this
process (`PR_SET_PDEATHSIG`), which kills the child and whatever the child started.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from pipelines.cluster_objects import advice

# Set by a run of this machine; a cluster has no such process.
RUN_PID = "SILENCIO_RUN_PID"
# Set by KFP's launcher, in a pod.
_POD = "KFP_POD_NAME"
# Begins the line in which a failed step tells the run why.
FAILED = "\x1esilencio-step-failed "
_PR_SET_PDEATHSIG = 1
_KILLED = 128


def main() -> int:
    """Run kfp's executor with this process's arguments.

    Returns:
        0 where the executor wrote everything that it was to write; else the child's exit status, 128 + the signal if it
        was killed.
    """
    child = 0
    done, done_writer = os.pipe()
    os.set_blocking(done, False)

    def stop(number: int, _: FrameType | None) -> None:
        if child:
            _kill_group(child)
        os._exit(_KILLED + number)

    signal.signal(signal.SIGTERM, stop)
    if RUN_PID in os.environ:
        end_with(int(os.environ[RUN_PID]), signal.SIGTERM)
    me = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setpgid(0, 0)
        end_with(me, signal.SIGKILL)
        os.close(done)
        return _execute(done_writer)
    with contextlib.suppress(OSError):  # the child does it too: whoever comes first
        os.setpgid(child, child)
    _, status = os.waitpid(child, 0)
    _kill_group(child)
    _remove_component()
    os.close(done_writer)
    code = os.waitstatus_to_exitcode(status)
    if code and _is_done(done):
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        sys.stdout.write(f"\nthe step wrote everything, then its interpreter {how}: the step counts as done\n")
        return 0
    return code if code >= 0 else _KILLED - code


def supervised(command: str) -> str:
    """A step's command as kfp writes it, with this module in the place of kfp's executor."""
    return command.replace("-m kfp.dsl.executor_main", "-m pipelines.step_process", 1)


def sentence_of(error: BaseException) -> str:
    """What was wrong, for people: the message of an error that Silencio raises, or what is known of another."""
    from silencio.errors import SilencioError

    if isinstance(error, SilencioError):
        return " ".join(str(error).split())
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    for one in chain:
        if isinstance(one, OSError) and (sentence := _sentence_of_system(one)):
            return sentence
    if isinstance(error, MemoryError):
        return "the machine has no memory left: close other programs, or give the step less work at once"
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def _sentence_of_system(error: OSError) -> str:
    place = f" while writing {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on the disk{place}: free some, or name another --out"
    if error.errno == errno.EFBIG:
        return f"a file grows larger than this process may write{place}: raise the limit (ulimit -f)"
    if error.errno == errno.ENOENT and error.filename:
        return f"{error.filename} is not there any more: put it back"
    return ""


def _execute(done_writer: int) -> int:
    """Args: the descriptor in which the child says that its executor came to its end."""
    from kfp.dsl.executor_main import executor_main

    try:
        executor_main()
        os.write(done_writer, b"1")
    except Exception as error:  # noqa: BLE001  # whatever a step raises has to reach the run
        text = "".join(traceback.format_exception(error))
        failure = f"{FAILED}{json.dumps([sentence_of(error), text.rstrip()])}\n" if RUN_PID in os.environ else ""
        lines = advice(sentence_of(error), os.environ.get("NAMESPACE", "NAMESPACE")) if _POD in os.environ else []
        # A progress bar leaves its line open.
        sys.stdout.write("\n" + "\n".join([text.rstrip(), *lines, failure]))
        sys.stdout.flush()
        return 1
    return 0


def _is_done(done: int) -> bool:
    try:
        return bool(os.read(done, 1))
    except BlockingIOError:  # a process that the child left behind could still say it, and cannot know
        return False


def end_with(parent: int, number: int) -> None:
    """Get this signal when the process that started this one ends, in whatever way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before this was set
        os._exit(_KILLED + number)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(OSError):  # nobody is left
        os.killpg(leader, signal.SIGKILL)


def _remove_component() -> None:
    """The folder with the component's source, which kfp's command makes for every step and never removes."""
    if "--component_module_path" in sys.argv:
        shutil.rmtree(Path(sys.argv[sys.argv.index("--component_module_path") + 1]).parent, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
