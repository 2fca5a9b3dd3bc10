"""The documents' form: what protobuf does not parse, the API server refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineDeploymentConfig, PipelineSpec

from pipelines.ir_check.package import ROOT, Fault, Package

_MAX_SHOWN = 300


def documents(package: Package) -> Iterator[Fault]:
    """Every field is one that the backend knows, and has a value of its kind.

    `backend/src/apiserver/template/v2_template.go` (`NewV2SpecTemplate`: `protojson.Unmarshal` takes no field that it
    does not know), `api/v2alpha1/pipeline_spec.proto`, `kubernetes_platform/proto/kubernetes_executor_config.proto`.
    """
    yield from _parsed(ROOT, package.spec, PipelineSpec())
    yield from _parsed("deploymentSpec", package.spec.get("deploymentSpec", {}), PipelineDeploymentConfig())
    for label, wanted in package.kubernetes.items():
        yield from _parsed(label, wanted, KubernetesExecutorConfig())


def _parsed(where: str, document: Mapping[str, Any], message: Message) -> Iterator[Fault]:
    try:
        json_format.ParseDict(dict(document), message)
    except json_format.ParseError as error:
        words = " ".join(str(error).split())[:_MAX_SHOWN]
        yield Fault(where, f"protobuf does not parse it ({words})", "compile with the kfp that is locked")
