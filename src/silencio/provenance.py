"""What runs: which code, in which image. A process finds it out by itself; no option changes what it finds."""

from __future__ import annotations

import os

# A run of this machine sets it to its commit, an image has it baked in where it is built.
CODE_VERSION = "SILENCIO_CODE_VERSION"
# A pod cannot ask in which image it runs: the compiled graph says it beside the image itself.
IMAGE = "SILENCIO_IMAGE"


def what_runs() -> dict[str, str]:
    """The code and the image of this process, as bundles and MLflow keep them.

    Returns:
        `code_version`: a commit; the installed version, and that its commit is unknown, where nothing says which.
        `image`: name and tag or digest; `unknown` where the process was not started by a pipeline.
    """
    from silencio.version import installed_version

    return {
        "code_version": os.environ.get(CODE_VERSION) or f"{installed_version()} (commit unknown)",
        "image": os.environ.get(IMAGE) or "unknown",
    }
