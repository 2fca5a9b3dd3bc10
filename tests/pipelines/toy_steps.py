"""What the steps of `toy_run` do, and how a test disturbs them.

`TOY_JOURNAL` names a file in which every step that runs writes its name and process. The step that `TOY_STEP` names
does what `TOY_DOES` says (Python, with `path`, its output) after half of its output is written.
"""

import os
from pathlib import Path


def read(path: str) -> str:
    return Path(path).read_text()


def work(step: str, path: str = "", text: str = "") -> None:
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text[: len(text) // 2])
    with Path(os.environ["TOY_JOURNAL"]).open("a") as journal:
        journal.write(f"{step} {os.getpid()}\n")
    if os.environ.get("TOY_STEP") == step:
        exec(os.environ["TOY_DOES"], {"path": path})
    if path:
        Path(path).write_text(text)
