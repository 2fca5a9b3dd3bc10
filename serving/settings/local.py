"""Settings of `silencio serve`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from serving.settings import Flag, Option, Origins, Port, ServingSettings
from serving.settings.defaults import LOOPBACK, MAX_BODY_BYTES
from serving.settings.predictor import PredictorSettings
from serving.settings.server import ServerSettings
from serving.settings.transformer import TransformerSettings
from serving.settings.values import Share
from silencio.settings import PREFIX, File, Text, at_least, whole

_BETWEEN_THE_SERVERS = (
    "model_name",
    "http_port",
    "grpc_port",
    "enable_grpc",
    "stop_with_parent",
    "predictor_host",
    "predictor_use_ssl",
    "predictor_ca",
    "predictor_client_cert",
    "predictor_client_key",
    "predictor_insecure",
)
_RELEASE = "release: a champion and a challenger behind Debian's HAProxy, by scripts/install_splitter.sh"
# Variables of the environment that a server does not see where both are started here: the predictor is on loopback for
# this transformer alone, whatever keys, TLS and limits are for clients. Both refuse a bundle that nobody signed.
_OF_THE_SDK = {"KSERVE_TLS_CERT_FILE", "KSERVE_TLS_KEY_FILE"}
NOT_THE_PREDICTORS = frozenset(
    {ServerSettings.variable(name) for name in ServerSettings.model_fields if name != "bundle_key"} | _OF_THE_SDK
)
# `silencio serve` uses TLS where its own option is set, and knows nothing of the SDK's names for it.
NOT_THE_TRANSFORMERS = frozenset({TransformerSettings.variable(name) for name in _BETWEEN_THE_SERVERS} | _OF_THE_SDK)


def _renamed(*settings: type[ServingSettings]) -> dict[str, str]:
    """New variable by old one, of servers to which the environment is handed on: they would refuse it seconds later."""
    found: dict[str, str] = {}
    for one in settings:
        found |= {f"{PREFIX}{old.upper()}": one.variable(new) for old, new in one.renamed.items()} | dict(
            one.renamed_variables
        )
    return found


class LocalSettings(ServingSettings):
    """Settings of `silencio serve`; both servers see the environment, too.

    Attributes:
        bundle: The bundle to serve; needed.
        port: REST's port; 0 takes a free one.
        host: Address to listen on, this machine alone by default; 0.0.0.0: everybody.
        grpc_port: gRPC's port; 0 takes a free one, which is printed.
        site_list: Species by place and season (docs/predict.md).
        birdnet_range: The same by BirdNET's range model.
        max_feature_bytes: Bytes of decoded sound at once (docs/operating.md).
        prediction_log: Folder or s3:// prefix that keeps a row a window (docs/prediction_log.md).
        keys: API keys (docs/operating.md).
        tls_cert: PEM, certificate with its chain: REST and gRPC speak TLS (docs/operating.md).
        tls_key: PEM, key of the certificate.
        max_body_bytes: Largest body or gRPC message that is read.
        allow_origin: Let web pages of https://app.example.org call, too; * for all (docs/operating.md).
        canary: A bundle to be released: it runs beside the other one, behind HAProxy, at 0 % (docs/releasing.md).
        splitter: HAProxy and Prometheus from the beginning: a challenger may be offered while it runs.
        state_dir: Folder of what runs behind HAProxy: share, configuration, addresses.
        shadow_share: With --canary and --prediction-log: share of the champion's answered requests of which the
            challenger gets a copy that nobody waits for, for the rules on answers; 0: none.
        shadow_key: File with a key of role admin, by which copies are sent where --keys are wanted.
        scrape_interval_s: How often Prometheus reads the counters.
    """

    separator: ClassVar[str] = "-"

    renamed_variables: ClassVar[Mapping[str, str]] = _renamed(TransformerSettings, PredictorSettings)

    bundle: Annotated[File, Option(metavar="DIR")] = Field(default_factory=Path)
    port: Annotated[Port, Option()] = 8080
    host: Annotated[Text, Option(metavar="HOST")] = LOOPBACK
    grpc_port: Annotated[Port, Option()] = 0
    site_list: Annotated[File | None, Option(metavar="CSV")] = None
    birdnet_range: Annotated[Flag, Option(metavar="")] = False
    max_feature_bytes: Annotated[Annotated[int, whole(1)] | None, Option(metavar="BYTES")] = None
    prediction_log: Annotated[Text | None, Option(metavar="PLACE")] = None
    keys: Annotated[File | None, Option(metavar="FILE")] = None
    tls_cert: Annotated[File | None, Option(metavar="FILE")] = None
    tls_key: Annotated[File | None, Option(metavar="FILE")] = None
    max_body_bytes: Annotated[int, whole(1), Option(metavar="BYTES")] = MAX_BODY_BYTES
    allow_origin: Annotated[Origins, Option(metavar="ORIGIN")] = ()
    canary: Annotated[File | None, Option(_RELEASE, "DIR")] = None
    splitter: Annotated[Flag, Option(_RELEASE, "")] = False
    state_dir: Annotated[File, Option(_RELEASE, "DIR")] = Path("out/serve")
    shadow_share: Annotated[Share, Option(_RELEASE, "SHARE")] = 0.05
    shadow_key: Annotated[File | None, Option(_RELEASE, "FILE")] = None
    scrape_interval_s: Annotated[float, at_least(0.1), Option(_RELEASE, "SECONDS")] = 5.0
