"""What a step's process begins with: it ends with the run that started it, and says in one sentence why it failed.

`kfp.local` starts a step as a shell command and leaves it running when it is killed itself. Here the command becomes
this module, which watches over a child that runs kfp's executor. When the run is killed, the kernel tells this process
(`PR_SET_PDEATHSIG`), which kills the child and whatever the child started.
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

RUN_PID = "SILENCIO_RUN_PID"
# Begins the line in which a failed step tells the run why.
FAILED = "\x1esilencio-step-failed "
_PR_SET_PDEATHSIG = 1
_KILLED = 128


def main() -> int:
    """Run kfp's executor with this process's arguments; returns its exit status, 128 + the signal if it was killed."""
    child = 0

    def stop(number: int, _: FrameType | None) -> None:
        if child:
            _kill_group(child)
        os._exit(_KILLED + number)

    signal.signal(signal.SIGTERM, stop)
    _end_with(int(os.environ[RUN_PID]), signal.SIGTERM)
    me = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setpgid(0, 0)
        _end_with(me, signal.SIGKILL)
        return _execute()
    with contextlib.suppress(OSError):  # the child does it too: whoever comes first
        os.setpgid(child, child)
    _, status = os.waitpid(child, 0)
    _kill_group(child)
    _remove_component()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _KILLED - code


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


def _execute() -> int:
    from kfp.dsl.executor_main import executor_main

    try:
        executor_main()
    except Exception as error:  # noqa: BLE001  # whatever a step raises has to reach the run
        text = "".join(traceback.format_exception(error))
        # A progress bar leaves its line open.
        sys.stdout.write(f"\n{text}{FAILED}{json.dumps([sentence_of(error), text.rstrip()])}\n")
        sys.stdout.flush()
        return 1
    return 0


def _end_with(parent: int, number: int) -> None:
    """Get this signal when the process that started this one ends, in whatever way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before this was said
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
