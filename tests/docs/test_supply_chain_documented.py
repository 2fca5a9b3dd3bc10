"""The commands of docs/supply_chain.md, typed as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from silencio.bundle.placeholder import write_placeholder_bundle
from tests.waiting import HANG_S

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "supply_chain.md").read_text(encoding="utf-8")


def test_page__makes_a_key_signs_and_verifies(tmp_path: Path) -> None:
    named = "<!-- not run: tests/docs/test_supply_chain_documented.py -->\n"
    text = "".join(re.findall(rf"^{named}```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    assert text.count("openssl") == 2 and ".venv/bin/model_signing verify" in text
    bundle = write_placeholder_bundle(tmp_path / "out" / "reserve" / "bundle")
    text = text.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", text],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "is signed by key " in done.stdout
    assert (bundle / "model.sig").is_file()
