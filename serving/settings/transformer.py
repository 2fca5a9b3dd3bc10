"""Settings of the transformer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.settings import Arm, Flag, Option, ReleaseId
from serving.settings.prediction_log import PredictionLogSettings
from serving.settings.server import ServerSettings
from serving.settings.shadow import ShadowSettings
from silencio.settings import File, Text, at_least, whole

DEFAULT_MAX_FEATURE_BYTES = 512 << 20
DEFAULT_DEADLINE_S = 30.0
_RECORDINGS = "recordings"
_RELEASE = "release: two bundles that share visitors (docs/operating.md)"
_PREDICTOR = "predictor: one on another machine is reached by TLS"


class TransformerSettings(ShadowSettings, PredictionLogSettings, ServerSettings):
    """Settings of `python -m serving.transformer`.

    Attributes:
        enable_grpc: Answer over gRPC too; beside a predictor in one pod the gRPC port is the predictor's.
        decoders: Processes that decode and featurize.
        max_feature_bytes: Bytes of decoded sound that are held at once, over all requests; what does not fit waits or
            is answered by 503.
        site_list: Species by place and season (docs/predict.md).
        birdnet_range: Place and season by BirdNET's range model (extra birdnet).
        predictor_host: The predictor's gRPC address, HOST:PORT; needed.
        predictor_use_ssl: Reach the predictor by TLS, and trust public authorities.
        predictor_ca: PEM of whoever signs the predictor's certificate: uses TLS.
        predictor_client_cert: PEM, shown to the predictor.
        predictor_client_key: PEM, key of the client's certificate.
        predictor_insecure: Reach a predictor on another machine in clear, as where a mesh encrypts.
        predictor_deadline_s: How long a call of the predictor may take, with every retry.
        arm: The arm of a release that this server is: champion or challenger; in its answers and the prediction log.
        release_id: The id of that release; in its answers and the prediction log.
        session_s: Seconds for which a session is counted once (docs/operating.md).
        trust_marks: Believe `X-Silencio-Arm`, `-Release`, `-Shadow` and `-Simulated` of everybody, where a proxy
            before the server drops them of visitors; else of keys of role admin alone, or without keys on loopback.
    """

    enable_grpc: Annotated[Flag, Option("server", "BOOL")] = False
    decoders: Annotated[int, whole(1), Option(_RECORDINGS)] = 2
    max_feature_bytes: Annotated[int, whole(1), Option(_RECORDINGS, "BYTES")] = DEFAULT_MAX_FEATURE_BYTES
    site_list: Annotated[File | None, Option(_RECORDINGS, "CSV")] = None
    birdnet_range: Annotated[Flag, Option(_RECORDINGS, "")] = False
    predictor_host: Annotated[Text, Option(_PREDICTOR, "HOST:PORT")] = Field("", validate_default=False)
    predictor_use_ssl: Annotated[Flag, Option(_PREDICTOR, "BOOL")] = False
    predictor_ca: Annotated[File | None, Option(_PREDICTOR, "FILE")] = None
    predictor_client_cert: Annotated[File | None, Option(_PREDICTOR, "FILE")] = None
    predictor_client_key: Annotated[File | None, Option(_PREDICTOR, "FILE")] = None
    predictor_insecure: Annotated[Flag, Option(_PREDICTOR, "")] = False
    predictor_deadline_s: Annotated[float, at_least(1), Option(_PREDICTOR, "SECONDS")] = DEFAULT_DEADLINE_S
    arm: Annotated[Arm | None, Option(_RELEASE, "ARM")] = None
    release_id: Annotated[ReleaseId | None, Option(_RELEASE, "ID")] = None
    session_s: Annotated[float, at_least(1), Option(_RELEASE, "SECONDS")] = 1800.0
    trust_marks: Annotated[Flag, Option(_RELEASE, "BOOL")] = False
