"""Let `import torchvision` succeed beside a CPU build of torch.

The public torchvision wheel for x86-64 is a CUDA build: beside a CPU torch its extension does not load, and its
import then fails with `operator torchvision::nms does not exist`, and with it timm, peft and lightning. No head uses
those operators; declaring their names is enough. Where the extension loads, nothing is done.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import re
from pathlib import Path

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
# The library's declarations live as long as this object does.
_declared: list[torch.library.Library] = []


def declare_missing_operators() -> None:
    """Declare torchvision's operators if its own extension cannot. Does nothing the second time."""
    package = importlib.util.find_spec("torchvision")
    if _declared or package is None or package.origin is None:
        return
    folder = Path(package.origin).parent
    if _extension_loads(folder):
        return
    source = (folder / "_meta_registrations.py").read_text(encoding="utf-8")
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in re.findall(r'register_fake\("torchvision::(\w+)"\)', source):
        library.define(f"{name}{_SCHEMA}")  # type: ignore[no-untyped-call]
    _declared.append(library)


def _extension_loads(folder: Path) -> bool:
    for suffix in [*importlib.machinery.EXTENSION_SUFFIXES, ".so"]:
        extension = folder / f"_C{suffix}"
        if extension.exists():
            try:
                ctypes.CDLL(str(extension))
            except OSError:
                return False
            return True
    return False
