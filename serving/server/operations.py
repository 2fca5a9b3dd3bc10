"""Further names of the predict route, for clients that are generated from a description (docs/openapi.json).

`…:predict` takes JSON and recordings, and answers JSON and tables. A generated function has one type of body and one
type of answer: each of these names takes one kind and gives one kind. Behind the boundary they are the predict route.
"""

from __future__ import annotations

import re

from starlette.types import Scope

OPERATIONS = ("upload", "predict_table", "upload_table")
_PATH = re.compile(rf"(/v1/models/[^/:]+):({'|'.join(OPERATIONS)})")


def split_operation(scope: Scope) -> tuple[Scope, str]:
    """The request as one at the predict route, and by which of the other names it came; empty by its own."""
    found = _PATH.fullmatch(scope["path"])
    if not found:
        return scope, ""
    path = f"{found[1]}:predict"
    return {**scope, "path": path, "raw_path": path.encode()}, found[2]
