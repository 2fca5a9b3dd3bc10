"""Import everything that servers and tools, or steps of pipelines, may import, so that its bytecode lies in the image.

    import_modules.py servers | steps | monitor | tracking

Where an image runs, nothing can be written, and each start would compile some thousand files anew. A module of ours
that cannot be imported ends the build: the requirements lack something. Of the library, rooms that train need packages
that serving images do not have, and are left out there.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

# By what the image is for, packages that have to be whole, and what is imported when a bundle is loaded, a server or
# a step starts, or a row is written.
_WHOLE = {
    "servers": ("serving",),
    "steps": ("silencio", "components", "pipelines"),
    "monitor": ("monitoring", "components"),
    "tracking": (),
}
_LATER = {
    "servers": (
        "ai_edge_litert.interpreter",
        "grpc.aio",
        "httptools",
        "onnxruntime",
        "pyarrow.parquet",
        "scipy.fft",
        "scipy.signal",
        "soundfile",
        "soxr",
        "uvicorn.loops.auto",
        "uvicorn.protocols.http.httptools_impl",
        "uvloop",
    ),
    "steps": (
        "kfp.dsl.executor_main",
        "lightning.pytorch",
        "mlflow",
        "onnxruntime",
        "pyarrow.parquet",
        "timm",
        "torch.onnx",
        "torchvision",
    ),
    "monitor": (
        "ai_edge_litert.interpreter",
        "altair",
        "evidently.presets",
        "kfp.dsl.executor_main",
        "onnxruntime",
        "pandas",
        "pipelines.step_process",
        "pyarrow.parquet",
        "scipy.fft",
        "scipy.signal",
        "scipy.stats",
        "soundfile",
        "soxr",
        "streamlit.web.bootstrap",
        "streamlit.web.cli",
    ),
    "tracking": (
        "boto3",
        "flask_wtf",
        "mlflow.cli",
        "mlflow.server.auth",
        "mlflow.server.fastapi_app",
        "mlflow.store.artifact.s3_artifact_repo",
        "mlflow.store.model_registry.sqlalchemy_store",
        "psycopg",
        "sqlalchemy.dialects.postgresql.psycopg",
        "uvicorn.loops.auto",
        "uvicorn.protocols.http.auto",
    ),
}
# Of these what can be imported.
_AS_FAR_AS_THEY_GO = {"servers": ("silencio",), "monitor": ("silencio",)}


def _import_all(name: str) -> list[str]:
    """Import a package's modules, and return those that cannot be."""
    missing = []
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda name: None):
        if module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            missing.append(f"{module.name}: {error}")
    return missing


def main() -> int:
    """Returns 1 where a module that has to be there cannot be imported."""
    (purpose,) = sys.argv[1:]
    # The first of ours makes torchvision importable beside torch for processors, as it does for every step that trains.
    missing = [line for name in _WHOLE[purpose] for line in _import_all(name)]
    for name in _LATER[purpose]:
        importlib.import_module(name)
    for line in missing:
        sys.stderr.write(f"error: {line}\n")
    for name in _AS_FAR_AS_THEY_GO.get(purpose, ()):
        _import_all(name)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
