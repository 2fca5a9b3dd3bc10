"""The pages as pictures, by Debian's Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

_WIDTH = 1000
# A PNG of a page stays far below what the repository takes.
MAX_BYTES = 400_000


def picture(page: Path, png: Path, height: int) -> bool:
    """Take one; false where there is no Chromium.

    Args:
        page: The page.
        png: Gets the picture.
        height: Its height in pixels.
    """
    program = shutil.which("chromium")
    if program is None:
        return False
    png.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603
            [
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={_WIDTH},{height}",
                f"--screenshot={png.absolute()}",
                page.absolute().as_uri(),
            ],
            check=True,
            capture_output=True,
        )
    return png.is_file()
