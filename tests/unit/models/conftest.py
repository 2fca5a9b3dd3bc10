"""Before a test imports timm, which imports torchvision: it declares the operators that a CPU torch has not."""

import silencio.models  # noqa: F401
