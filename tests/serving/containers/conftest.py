"""The pod that containers' tests share, in the place of the servers that tests of a clone start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from silencio.bundle.placeholder import write_placeholder_bundle
from tests.serving.containers.pod import Pod, docker, image, readable, running_pod


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Without the images there is nothing to test, which is no success."""
    done = docker(
        "image", "inspect", *map(image, ("predictor", "transformer", "tools", "train", "monitor")), check=False
    )
    if done.returncode != 0:
        pytest.fail(f"no images: scripts/with_docker_engine.sh make images containers ({done.stderr.decode().strip()})")


@pytest.fixture(scope="session")
def bundle_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return readable(write_placeholder_bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture(scope="session")
def servers(bundle_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """What the clients' tests ask: it has an address, as servers of this machine have."""
    with running_pod(bundle_directory, tmp_path_factory.mktemp("pod")) as pod:
        yield pod
