"""Heads and supervisors: what is trained. Needs the `train` extra; serving never imports it."""

from silencio.models.torchvision_operators import declare_missing_operators

# Before anything below imports timm, peft or lightning: all three import torchvision.
declare_missing_operators()
