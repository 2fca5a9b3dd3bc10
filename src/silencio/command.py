"""How every command of Silencio ends: an exit status that shells know, at most one sentence, and never a traceback."""

from __future__ import annotations

import codecs
import contextlib
import errno
import functools
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TextIO

from silencio.errors import SilencioError

_Arguments = ParamSpec("_Arguments")

FAILED = 1
# As a shell reports the signals: 128 and the signal's number.
STOPPED, CLOSED_PIPE, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGPIPE, 128 + signal.SIGTERM
_ESCAPE = "silencio-escape"


def command(main: Callable[_Arguments, int | None]) -> Callable[_Arguments, int]:
    """Make a function the body of a command, which returns an exit status whatever happens in it.

    | what happened | standard error | status |
    |---|---|---|
    | a `SilencioError`, an `OSError`, no memory left | its `details`, `error:` and a sentence | 1 |
    | Ctrl-C | one line: what the exception says, or `stopped` | 130 |
    | the reader of the output went away (`| head -1`) | nothing | 141 |
    | SIGTERM, as process 1 of a container | nothing | 143 |
    | the output cannot be written (`> /dev/full`) | one sentence | 1 |

    Output that its encoding cannot express, such as a file's name that is not UTF-8, is escaped and never refused.

    Args:
        main: Returns the status; None is 0. Its imports belong into it: Ctrl-C may come while they last.
    """

    @functools.wraps(main)
    def guarded(*args: _Arguments.args, **options: _Arguments.kwargs) -> int:
        _prepare_streams()
        _take_sigterm()
        try:
            try:
                return main(*args, **options) or 0
            finally:
                # Here a refusal can be told; at the interpreter's end it is a message that nobody understands.
                sys.stdout.flush()
        except KeyboardInterrupt as stop:
            _print_error(f"{str(stop) or 'stopped'}\n")
            return STOPPED
        except SilencioError as error:
            details = getattr(error, "details", "").strip()
            _print_error(f"{details}\nerror: {error}\n" if details else f"error: {error}\n")
        except OSError as error:
            return _status_of(error)
        except MemoryError:
            _print_error(
                "error: the machine has no memory left: close other programs, or give the command less at once\n"
            )
        except ImportError as error:
            if not isinstance(error.__cause__, KeyboardInterrupt):
                raise
            _print_error("stopped\n")  # while a compiled module was being imported
            return STOPPED
        return FAILED

    return guarded


def exit_with(main: Callable[[], int]) -> NoReturn:
    """End the process with a command's status; from its end on, Ctrl-C kills without a word."""
    status = main()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(status)


def _status_of(error: OSError) -> int:
    """What the system refused: by the file that it was about, or, without one, the output."""
    from silencio.storage.atomic import explained

    is_closed = isinstance(error, BrokenPipeError) and any(_is_closed(stream) for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        _empty(stream)
    if is_closed:
        return CLOSED_PIPE
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        _print_error(f"error: the output cannot be written: {reason}\n" if is_full else f"error: {reason}\n")
    elif error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        _print_error(f"error: {explained(os.fsdecode(error.filename), error)}\n")
    else:
        _print_error(f"error: {os.fsdecode(error.filename)}: {reason}\n")
    return FAILED


def _is_closed(stream: TextIO) -> bool:
    """Whether it is a pipe of which nobody reads."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


def _empty(stream: TextIO) -> None:
    """What a stream still holds and cannot write is let go: the interpreter would try again, and tell of it."""
    try:
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _print_error(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody is there to be told
        sys.stderr.write(text)
        sys.stderr.flush()


def _prepare_streams() -> None:
    # Python has no stream where the shell closed one (`>&-`); a file that is opened later must not get its number.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    codecs.register_error(_ESCAPE, _escape)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ESCAPE)


def _take_sigterm() -> None:
    """End by SIGTERM in a container too, from the first import on.

    The kernel gives process 1 no signal that it has no handler for: a container that is stopped before its server has
    put its own would be killed a minute later. Any other process ends by the signal itself.
    """
    if os.getpid() == 1 and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: object) -> NoReturn:
    if os.getpid() != 1:  # forked from it
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    raise SystemExit(TERMINATED)


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from silencio.storage.names import escaped

    return escaped(error.object[error.start : error.end]).encode("ascii", "backslashreplace"), error.end
