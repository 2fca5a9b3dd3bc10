"""A server is ready when its bundle was verified and replayed, and not before: the states, and how they are asked."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import kserve
from kserve import InferRequest, InferResponse
from kserve.constants.constants import PredictorProtocol
from kserve.errors import InvalidInput, ModelNotFound
from kserve.logging import logger
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from serving.server.errors import NotReady
from serving.server.media_types import is_json, is_text, media_type, says_nothing
from serving.server.protocol import LOADING, REFUSED
from serving.server.v2_binary import read_binary_request
from serving.server.versions import VersionNotFound
from silencio.bundle import Bundle
from silencio.errors import SilencioError

_V2_IS_NEEDED = (
    "V2 takes JSON as application/json, and JSON with tensors behind it as application/octet-stream with the header "
    "Inference-Header-Content-Length; a recording's own bytes are for the V1 route, /v1/models/…:predict"
)


class BundleModel(kserve.Model):  # type: ignore[misc]  # kserve is untyped
    """A KServe model behind which stands a bundle.

    Args:
        name: As on the routes.
        directory: The bundle's folder.

    Attributes:
        directory: As given.
        reason: Why it is not ready; empty when it is.
        pinned_name: A second name that only this very bundle has; empty until it is loaded.
        version: The bundle's; empty until it is loaded.
    """

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name)
        self.directory = directory
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
            bundle = Bundle(self.directory)
            self.adopt(bundle)
        except SilencioError as error:
            self.reason = f"{REFUSED}{error}"
            logger.error("%s: not ready: %s", self.name, self.reason)
            return False
        # The boundary of loading: a server that cannot load stays up and says so.
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
        logger.info("%s: ready with bundle %s %s", self.name, bundle.manifest.name, bundle.manifest.version)
        return True


class BundleDataPlane(DataPlane):  # type: ignore[misc]  # kserve is untyped
    """KServe's data plane with answers to "ready?" that are true and give the reason.

    The SDK's own says that a server is ready without looking at its models, forgets the transformer's own state when
    it asks the predictor's, and tries to load a model that is not ready in the middle of a request.
    """

    def get_model_from_registry(self, name: str) -> Any:
        """By its name or its pinned name; while no bundle is loaded, whatever bundle is asked for may still come."""
        model = self.model_registry.get_model(name.partition("@")[0])
        if model is None or ("@" in name and model.pinned_name not in ("", name)):
            raise ModelNotFound(name)
        return model

    def check_version(self, model_name: str, version: str | None) -> None:
        """Raises `VersionNotFound` for another one than is served; none is any, and so is what may still come."""
        served = self.get_model_from_registry(model_name).version
        if version and served and version != served:
            raise VersionNotFound(model_name, version, served)

    def versions(self, model_name: str) -> list[str]:
        """Those that are served: one, or none while the bundle is not loaded."""
        served = self.get_model_from_registry(model_name).version
        return [served] if served else []

    async def ready(self) -> bool:
        for name in self.model_registry.get_models():
            await self.model_ready(name)
        return True

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        model = self.get_model_from_registry(model_name)
        reason = model.reason
        if not reason and not disable_predictor_health_check:
            reason = await model.upstream_reason()
        if reason:
            raise NotReady(model_name, reason)
        return True

    async def get_model(self, name: str) -> Any:
        await self.model_ready(name, disable_predictor_health_check=True)
        return self.get_model_from_registry(name)

    def decode(
        self,
        body: Any,
        headers: Any,
        protocol_version: str = PredictorProtocol.REST_V1.value,
        model_name: str | None = None,
    ) -> Any:
        """The SDK's own, which takes every V1 body without a Content-Type for JSON: most are recordings."""
        is_v1 = protocol_version == PredictorProtocol.REST_V1.value
        is_unnamed = is_v1 and isinstance(body, bytes) and says_nothing(headers.get("content-type", ""))
        # A CloudEvent's type stands in a header of its own.
        if is_unnamed and not is_json(body) and "ce-specversion" not in headers:
            return body, {}
        try:
            return super().decode(body, headers, protocol_version, model_name)
        except InvalidInput as error:
            is_binary = is_v1 and isinstance(body, bytes) and not is_text(body)
            hint = "; a recording's own bytes are sent as audio/ogg, audio/wav, audio/flac or audio/mpeg"
            raise InvalidInput(f"body: {error}{hint if is_binary else ''}") from error
        except Exception as error:  # only the client's own bytes are read here: whatever is wrong is wrong with them
            raise InvalidInput(f"body: cannot be read with the headers that came with it ({error})") from error

    def decode_inference_request(self, body: Any, headers: Any, model_name: str) -> InferRequest:
        length = headers.get("inference-header-content-length")
        if not isinstance(body, bytes):
            return super().decode_inference_request(body, headers, model_name)
        # Tritonclient names no type, curl a form, browsers text/plain: here JSON alone can be meant.
        if length is None and (is_json(body) or media_type(headers.get("content-type", "")) == "application/json"):
            length = str(len(body))
        if length is None:
            raise InvalidInput(_V2_IS_NEEDED)
        return read_binary_request(body, length, model_name)

    def encode(
        self, model_name: str, response: Any, headers: Any, req_attributes: dict[str, Any]
    ) -> tuple[Any, dict[str, str]]:
        """The SDK's own, without its nulls: V2 leaves out what there is none of."""
        content, own = super().encode(model_name, response, headers, req_attributes)
        if isinstance(response, InferResponse) and isinstance(content, dict):
            content = {name: value for name, value in content.items() if value is not None}
        return content, own

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        await self.model_ready(model_name, disable_predictor_health_check=True)
        platform = getattr(self.get_model_from_registry(model_name), "platform", "")
        metadata = await super().model_metadata(model_name)
        return {**metadata, "platform": platform, "versions": self.versions(model_name)}


class FixedRepository(ModelRepositoryExtension):  # type: ignore[misc]  # kserve is untyped
    """Refuses to load and unload by request: the SDK's own lets anybody who can predict take the model away."""

    async def load(self, model_name: str) -> None:
        raise InvalidInput(f"{model_name}: this server serves the bundle it was started with")

    async def unload(self, model_name: str) -> None:
        raise InvalidInput(f"{model_name}: this server serves the bundle it was started with")
