"""The clone runs a page's blocks as a newcomer would, and notices what does not do what its page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.clone import Clone, PageError
from tests.docs.pages import Block


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = Clone(tmp_path_factory.mktemp("newcomer"))
    try:
        yield clone
    finally:
        clone.close()


def _sh(text: str, **how: object) -> Block:
    return Block("page.md:7", "sh", text, is_run=True, **how)  # type: ignore[arg-type]


def test_clone__holds_what_is_committed_and_the_environments(clone: Clone) -> None:
    clone.run(_sh("test -f README.md -a -f docs/heads.md\n.venv/bin/python -c 'import silencio; print(silencio)'\n"))
    assert not (clone.root / "out").exists()


def test_library__is_the_clones_own(clone: Clone) -> None:
    clone.run(Block("page.md:1", "text", "here = 1\n", file="src/silencio/made_by_a_page.py"))
    clone.run(Block("page.md:2", "python", "import silencio.made_by_a_page as made; assert made.here", is_run=True))


def test_block__that_is_not_run_does_nothing(clone: Clone) -> None:
    clone.run(Block("page.md:1", "sh", "touch out-of-nothing\n"))
    assert not (clone.root / "out-of-nothing").exists()


@pytest.mark.parametrize("text", ["false\n", "false\ntrue\n", "false | true\n", "echo $NOTHING_THAT_IS_SET\n"])
def test_block__every_command_of_it_has_to_succeed(clone: Clone, text: str) -> None:
    with pytest.raises(PageError, match=r"^page\.md:7 ended with "):
        clone.run(_sh(text))


def test_block__that_ends_as_its_page_says_is_right(clone: Clone) -> None:
    clone.run(_sh("exit 3\n", status=3))
    with pytest.raises(PageError):
        clone.run(_sh("true\n", status=3))


@pytest.mark.parametrize("name", ["python", "pip", "mlflow"])
def test_path__has_no_interpreter_that_a_plain_debian_lacks(clone: Clone, name: str) -> None:
    with pytest.raises(PageError, match=f"{name}: command not found"):
        clone.run(_sh(f"{name} --version\n"))


def test_silencio__is_found_where_an_environment_was_made_active(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    try:
        with pytest.raises(PageError, match="command not found"):
            clone.run(_sh("silencio --version\n"))
        clone.run(_sh("source .venv/bin/activate\nsilencio --version\n"))
        clone.run(_sh("silencio --version\n"))  # in the same terminal
    finally:
        clone.close()


def test_environment__of_the_tests_is_not_the_newcomers(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    clone.run(_sh('test -z "${MLFLOW_TRACKING_URI:-}" -a "$HOME" != /root\n'))


def test_server__goes_on_until_it_is_stopped(clone: Clone) -> None:
    clone.run(_sh("echo $$ > server.pid\necho ready\nexec sleep infinity\n", stays_until="ready"))
    pid = int((clone.root / "server.pid").read_text())
    assert Path(f"/proc/{pid}").exists()
    with pytest.raises(PageError, match="ended with"):
        clone.stop()  # sleep knows no Ctrl-C: it is killed by it, which no server of ours is
    assert not Path(f"/proc/{pid}").exists()


def test_server__that_ends_in_order_is_right(clone: Clone) -> None:
    clone.run(
        _sh("trap 'exit 0' INT\necho ready\nwhile read -r _; do :; done < <(sleep infinity)\n", stays_until="ready")
    )
    clone.stop()


def test_server__that_ends_before_it_is_ready_is_a_fault(clone: Clone) -> None:
    with pytest.raises(PageError, match="the port is taken"):
        clone.run(_sh("echo the port is taken\n", stays_until="ready"))
    clone.stop()


def test_server__another_way_to_do_the_same_ends_the_first(clone: Clone) -> None:
    server = "trap 'exit 0' INT\necho ready\necho $$ > {}.pid\nwhile read -r _; do :; done < <(sleep infinity)\n"
    clone.run(_sh(server.format("first"), stays_until="ready"))
    clone.run(_sh(server.format("second"), stays_until="ready", is_alone=True))
    assert not Path(f"/proc/{(clone.root / 'first.pid').read_text().strip()}").exists()
    clone.stop()
