"""Units of a proof: what is finished is kept, so that a proof which was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from silencio.storage.atomic import write_atomically


class Units:
    """Finished units in a folder, one JSON file each.

    Args:
        folder: Folder that they are kept in; made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def do(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` returned, now or in an earlier run.

        Args:
            name: Name of the unit: letters, digits and dashes; everything that its result depends on is in it.
            make: Returns plain values, as JSON has them.
        """
        file = self.folder / f"{name}.json"
        if not file.exists():
            text = json.dumps(make(), ensure_ascii=False, allow_nan=False)
            write_atomically(file, text.encode())
        return json.loads(file.read_text(encoding="utf-8"))
