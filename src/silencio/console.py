"""The terminal, for tables and lines that hold what users named."""

from __future__ import annotations

from typing import IO

import rich.console

# Several things that are printed as one.
Group = rich.console.Group

# A pipe has no width; rich takes 80 cells for it and would break names.
_PIPED_CELLS = 120


class Console(rich.console.Console):
    """Rich's console, on which text is printed as it stands.

    `[dawn] 1.ogg` is a recording, not markup, and `:bee:` is no emoji. Styles are given as `Text` or `style=`.

    Args:
        stderr: Standard error and not standard output.
        file: Another place, for tests.
        soft_wrap: No line is broken.
        highlight: Numbers and paths in colour, on a terminal.
        piped_cells: Least width where the output is no terminal.
    """

    def __init__(
        self,
        *,
        stderr: bool = False,
        file: IO[str] | None = None,
        soft_wrap: bool = False,
        highlight: bool = False,
        piped_cells: int = _PIPED_CELLS,
    ) -> None:
        super().__init__(stderr=stderr, file=file, soft_wrap=soft_wrap, highlight=highlight, markup=False, emoji=False)
        if not self.is_terminal:
            self.width = max(self.width, piped_cells)

    def on_broken_pipe(self) -> None:
        """Leave it to the command (`silencio.command`); rich would end the process with 1."""
        raise  # rich calls this while it handles the error
