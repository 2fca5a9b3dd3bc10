"""No test's outcome depends on speed: what the tests' own source may not do.

Waiting is `tests.waiting.until`; a limit is `HANG_S`, which ends what hangs and decides nothing.
"""

from __future__ import annotations

import ast
import functools
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import HANG_S

TESTS = Path(__file__).parent
# The one place that waits; what tests that rule; and code for other processes stands in texts, which nobody reads here.
_WAITS = {TESTS / "waiting.py", Path(__file__)}
_CLOCKS = {f"time.{name}" for name in ("monotonic", "perf_counter", "process_time", "time", "thread_time")} | {
    f"time.{name}_ns" for name in ("monotonic", "perf_counter", "process_time", "time", "thread_time")
}
# Their first argument, or `timeout=`, is how long they wait.
_WAITERS = {"wait", "join", "result", "communicate", "wait_procs", "acquire", "get"}
# Who waits a few seconds where nothing is said.
_IMPATIENT = {f"httpx.{name}" for name in ("get", "post", "head", "options", "request", "Client", "AsyncClient")}

# What may stay, and why.
_EXEMPT = {
    ("serving/answering.py", "time.monotonic"): "when it was asked: a test holds that a pause was not shorter",
    ("serving/prediction_log/test_writer.py", "log.close"): "a limit that is to run out: the place never answers",
}

Found = Iterator[tuple[int, str]]


def _sleeps_and_clocks(call: ast.Call, name: str) -> str:
    if name in ("time.sleep", "sleep"):
        return f"{name}: wait for what must happen, by tests.waiting.until"
    if name == "asyncio.sleep" and not (isinstance(call.args[0], ast.Constant) and call.args[0].value == 0):
        return "asyncio.sleep: wait for what must happen, by tests.waiting.until_async"
    return f"{name}: how long something took is no outcome" if name in _CLOCKS else ""


def _short_limits(call: ast.Call, name: str) -> str:
    limits = [one.value for one in call.keywords if one.arg in ("timeout", "timeout_s", "start_timeout_s")]
    if name.rpartition(".")[2] in _WAITERS and "." in name and len(call.args) == 1:
        limits += call.args
    short = [one.value for one in limits if isinstance(one, ast.Constant) and _is_short(one.value)]
    return f"{name}: a limit of {short[0]} s decides on slow machines: HANG_S" if short else ""


def _is_short(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < HANG_S


def _limits_that_are_not_said(call: ast.Call, name: str) -> str:
    said = {one.arg for one in call.keywords} & {"timeout", "start_timeout_s", None}
    return (
        f"{name}: waits a few seconds where nothing is said: timeout=HANG_S" if name in _IMPATIENT and not said else ""
    )


RULES = (_sleeps_and_clocks, _short_limits, _limits_that_are_not_said)


@functools.cache
def _calls(source: str) -> list[tuple[ast.Call, str]]:
    return [(node, ast.unparse(node.func)) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def _faults(source: str, rule: Callable[[ast.Call, str], str]) -> Found:
    for call, name in _calls(source):
        if fault := rule(call, name):
            yield call.lineno, fault


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.strip("_"))
def test_tests__are_not_decided_by_seconds(rule: Callable[[ast.Call, str], str]) -> None:
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        name = str(path.relative_to(TESTS))
        for line, fault in _faults(path.read_text(encoding="utf-8"), rule) if path not in _WAITS else ():
            if (name, fault.partition(":")[0]) not in _EXEMPT:
                found.append(f"tests/{name}:{line}: {fault}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(0.1)",
        "await asyncio.sleep(1)",
        "assert time.monotonic() - began < 5",
        "began = time.perf_counter()",
        "process.wait(20)",
        "thread.join(10)",
        "process.communicate(timeout=30)",
        "subprocess.run(command, timeout=60)",
        "httpx.get(url, timeout=5)",
        "httpx.post(url, json={})",
        "event.wait(timeout=1.5)",
        "@pytest.mark.timeout(300)\ndef test_x(): ...",
    ],
)
def test_rules__find_what_they_are_for(line: str) -> None:
    source = f"async def f():\n    {line}" if "await" in line else line
    rules = (*RULES, _short_marks)
    assert [fault for rule in rules for fault in _faults(source, rule)]


@pytest.mark.parametrize(
    "line",
    ["until(lambda: done)", "process.wait(HANG_S)", "'a'.join(names)", "found.get('x')", "event.wait()", "x.join(y)"],
)
def test_rules__leave_alone_what_waits_for_no_time(line: str) -> None:
    assert not [fault for rule in RULES for fault in _faults(line, rule)]


def _short_marks(call: ast.Call, name: str) -> str:
    return f"{name}: at least {HANG_S:g} s" if name == "pytest.mark.timeout" and _is_short(_value(call.args[0])) else ""


def _value(node: ast.expr) -> object:
    return eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}})  # 8 * 3600


def test_timeouts__only_guard_against_hanging() -> None:
    settings = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    # Longer than what waits inside, which says what it waited for.
    assert settings["tool"]["pytest"]["ini_options"]["timeout"] > HANG_S >= 1_800
    for path in TESTS.rglob("*.py"):
        assert not list(_faults(path.read_text(encoding="utf-8"), _short_marks)) or path in _WAITS, path
