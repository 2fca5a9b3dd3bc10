"""A server is ready when its bundle was verified and replayed, and not before: the states of a model with a bundle."""

from __future__ import annotations

import gc
from pathlib import Path

import kserve
from kserve.logging import logger

from serving.server.protocol import LOADING, REFUSED
from silencio.bundle import Bundle
from silencio.errors import SilencioError


class BundleModel(kserve.Model):  # type: ignore[misc]  # kserve is untyped
    """A KServe model behind which stands a bundle.

    Args:
        name: The model's name on the routes.
        directory: The bundle's folder.

    Attributes:
        directory: The bundle's folder.
        bundle_key: PEM of public keys, one of which has to have signed the bundle; None: none has to.
        reason: Why it is not ready; empty when it is.
        pinned_name: A second name that only this very bundle has; empty until it is loaded.
        version: The bundle's version; empty until it is loaded.
    """

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name)
        self.directory = directory
        self.bundle_key: Path | None = None
        self.pinned_name = self.version = ""
        self.reason = f"{LOADING}the bundle in {directory} is being verified"

    def adopt(self, bundle: Bundle) -> None:
        """Take what this server needs from a bundle whose files are right, and replay it.

        Raises:
            BundleError: This server computes other numbers than the bundle promises.
        """
        raise NotImplementedError

    async def upstream_reason(self) -> str:
        """Why what stands behind this server is not ready; empty when it is, or when nothing does."""
        return ""

    def start(self) -> None:
        """The SDK's own `start` declares the model ready."""

    def load(self) -> bool:
        """Verify, replay, become ready. What is wrong is logged in one line and kept in `reason`."""
        try:
            bundle = Bundle(self.directory, public_keys=self.bundle_key)
            self.adopt(bundle)
        except SilencioError as error:
            self.reason = f"{REFUSED}{error}"
            logger.error("%s: not ready: %s", self.name, self.reason)
            return False
        # Whatever happens while loading: a server that cannot load stays up and says so.
        except Exception as error:  # noqa: BLE001
            self.reason = f"{REFUSED}{self.directory} could not be loaded ({type(error).__name__})"
            logger.exception("%s: not ready: %s", self.name, self.reason)
            return False
        # What is loaded by now stays: the collector need not walk through it in the middle of requests.
        gc.collect()
        gc.freeze()
        self.pinned_name = f"{self.name}@{bundle.manifest.manifest_sha256[:16]}"
        self.version = bundle.manifest.version
        self.reason = ""
        self.ready = True
        signed = f", signed by key {bundle.signer}" if bundle.signer else ""
        logger.info("%s: ready with bundle %s %s%s", self.name, bundle.manifest.name, self.version, signed)
        return True
