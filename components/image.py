"""The images in which steps run, pinned by version: a tag that moves would make the cache lie."""

from __future__ import annotations

import os
from typing import Any

from silencio.errors import ConfigError

VERSION = "0.1.0"
# As in `manifests/`: a place that nobody can ever own, and so nobody else's image. Where ours are, is put in its place.
NOWHERE = "registry.example/silencio"


def train_image() -> str:
    """`SILENCIO_TRAIN_IMAGE`, or the name of this version's image in the manifests, which no registry has.

    Raises:
        ConfigError: The image has no tag or digest, or the tag `latest`.
    """
    return pinned(os.environ.get("SILENCIO_TRAIN_IMAGE", f"{NOWHERE}/train:{VERSION}"), "SILENCIO_TRAIN_IMAGE")


def monitor_image() -> str:
    """`SILENCIO_MONITOR_IMAGE`, or the name of this version's image in the manifests.

    Raises:
        ConfigError: The image has no tag or digest, or the tag `latest`.
    """
    return pinned(os.environ.get("SILENCIO_MONITOR_IMAGE", f"{NOWHERE}/monitor:{VERSION}"), "SILENCIO_MONITOR_IMAGE")


def pinned(image: str, named_by: str) -> str:
    """The image, if its name will mean the same tomorrow.

    Args:
        image: With a tag or a digest.
        named_by: The setting or option, for the message.

    Raises:
        ConfigError: It has neither, or the tag `latest`.
    """
    name = image.rsplit("/", 1)[-1]
    if ":" not in name or name.endswith(":latest"):
        raise ConfigError(f"{named_by}={image!r}: give a version or a digest; `latest` says nothing")
    return image


# The image holds the library and kfp; nothing is installed when a step starts.
STEP: dict[str, Any] = {
    "base_image": train_image(),
    "packages_to_install": [],
    "install_kfp_package": False,
}
# Steps that watch what is served: with Evidently, without torch.
MONITOR_STEP: dict[str, Any] = {**STEP, "base_image": monitor_image()}
