"""Hand the compiled pipeline to a KFP API: `silencio submit train --preset NAME --host URL`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp_server_api  # type: ignore[import-untyped]
import urllib3
import yaml
from kfp.client import Client

from components.image import pinned
from pipelines.cluster_places import check_bundle, check_recordings, need_claim
from pipelines.compile import one_line, write_package
from pipelines.ir_check import refuse_faults
from pipelines.resources import Cluster, made_for
from pipelines.train import train_pipeline
from silencio.config import resolve
from silencio.errors import ConfigError, PipelineError
from silencio.provenance import IMAGE
from silencio.registry.settings import NO_CHAMPION, REGISTRY

# Sent as a bearer token, where the API wants one.
TOKEN = "SILENCIO_KFP_TOKEN"  # noqa: S105  # the variable's name
_CONNECT_S, _ANSWER_S = 4.0, 20.0
_HEALTH = "/apis/v2beta1/healthz"
_MAX_NAME_LENGTH = 300


@dataclass(frozen=True)
class SubmittedRun:
    """A run that a KFP host took.

    Attributes:
        run_id: KFP's.
        link: Its page.
    """

    run_id: str
    link: str


def submit_train(
    host: str,
    preset: str,
    config: str,
    overrides: Sequence[str],
    *,
    data: str | None = None,
    previous: str = "",
    champion: str = REGISTRY,
    resources: str = "",
    claim: bool | None = None,
    image: str | None = None,
    namespace: str = "",
    experiment: str = "silencio",
) -> SubmittedRun:
    """Compile `train` for a configuration, as `compile` does for the presets, and start a run of it.

    Args:
        host: URL of the API, or of the UI, which passes it on.
        preset: Names the graph.
        config: YAML of the configuration.
        overrides: Laid over it.
        data: Where the recordings are, as the cluster sees them; None: where the pipeline says.
        previous: Bundle or split history of an earlier run, whose split recordings keep.
        champion: Bundle that serves now, to be compared with; `registry`: MLflow's; `none` compares with nothing.
        resources: The profile that decides what steps ask for; empty: what the preset needs.
        claim: Whether the volume claim is mounted; None: where anything that is named may lie on it.
        image: Image in which the steps run; None: the image of this version.
        namespace: Namespace of the user, where KFP serves several.
        experiment: Experiment under which KFP lists the run; made, where there is none.

    Raises:
        ConfigError: The configuration, a place, the host or the image cannot be used; nothing was sent.
        PipelineError: The host does not answer, is no KFP API, or refuses.
    """
    resolved = resolve(config, overrides=overrides)
    if not host.startswith(("http://", "https://")):
        raise ConfigError(f"--host {host!r}: a URL is needed, such as http://127.0.0.1:8888")
    host = host.rstrip("/")
    image = image and pinned(image, "--image")
    arguments = _arguments(config, overrides, data, previous, champion)
    if claim is None:
        bundles = [place for place in (previous, champion) if place]
        claim = data is None or need_claim(data, bundles, resolved.model_dump(mode="json"))
    with tempfile.TemporaryDirectory() as folder, _in_plain_words(host):
        _check_answers(host, namespace)
        with made_for(Cluster(resources, claim)):
            pipeline = train_pipeline(preset, resolved, one_line(config))
        package = _package(pipeline, image, Path(folder) / f"train-{preset}.yaml")
        client = _client(host, namespace)
        run = client.create_run_from_pipeline_package(
            str(package),
            arguments,
            run_name=f"train {preset} {time.strftime('%Y-%m-%d %H:%M:%S')}",
            experiment_name=experiment,
            namespace=namespace or None,
        )
    if not run.run_id:
        raise PipelineError(f"what answers at {host} gave no run: it is no KFP API of version 2; correct --host")
    return SubmittedRun(run.run_id, f"{host}/#/runs/details/{run.run_id}")


def _package(pipeline: Any, image: str | None, path: Path) -> Path:
    """The compiled pipeline, in another image where one is given."""
    write_package(pipeline, path)
    if image:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        for executor in documents[0]["deploymentSpec"]["executors"].values():
            container = executor["container"]
            container["image"] = image
            for variable in container.get("env", []):
                if variable["name"] == IMAGE:
                    variable["value"] = image
        path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
        refuse_faults(path)
    return path


def _arguments(config: str, overrides: Sequence[str], data: str | None, previous: str, champion: str) -> dict[str, Any]:
    """What the run page shows as given, if pods can read it; the rest stays as compiled."""
    arguments: dict[str, Any] = {"config": one_line(config), "overrides": list(overrides)}
    if data is not None:
        check_recordings(data)
        arguments["data"] = data
    if previous:
        check_bundle("--previous", previous)
        arguments["previous"] = previous
    if champion != REGISTRY:
        if champion != NO_CHAMPION:
            check_bundle("--champion", champion)
        arguments["champion"] = champion
    return arguments


def _check_answers(host: str, namespace: str) -> None:
    """One question with a limit: kfp.Client itself tries for half a minute, and prints tracebacks meanwhile."""
    token = os.environ.get(TOKEN)
    response = urllib3.PoolManager().request(
        "GET",
        host + _HEALTH,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=urllib3.Timeout(connect=_CONNECT_S, read=_ANSWER_S),
        retries=False,
    )
    if response.status in (401, 403):
        raise PipelineError(f"{host} wants to know who asks (HTTP {response.status}): set {TOKEN} to a token for it")
    try:
        health = json.loads(response.data) if response.status == 200 else None
    except ValueError:
        health = None
    if not isinstance(health, dict):
        raise PipelineError(
            f"what answers at {host} is no KFP API of version 2 ({_HEALTH} gave HTTP {response.status}): correct --host"
        )
    if health.get("multi_user") and not namespace:
        raise PipelineError(f"KFP at {host} serves several users: name yours by --namespace")


def _client(host: str, namespace: str) -> Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # `kubeflow` is kfp's word for none.
        client = Client(host=host, namespace=namespace or "kubeflow", existing_token=os.environ.get(TOKEN))
    pool = client._run_api.api_client.rest_client.pool_manager
    ask = pool.request

    def ask_with_limits(*arguments: Any, **options: Any) -> Any:
        limits = {"timeout": urllib3.Timeout(connect=_CONNECT_S, read=_ANSWER_S), "retries": False}
        return ask(*arguments, **{**options, **limits})

    pool.request = ask_with_limits
    return client


@contextlib.contextmanager
def _in_plain_words(host: str) -> Iterator[None]:
    """Whatever KFP's client and what is below it raise, as one sentence; what they print is not shown."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except kfp_server_api.ApiException as error:
        raise PipelineError(f"KFP at {host} refuses the run (HTTP {error.status}): {_reason(error)}") from error
    except urllib3.exceptions.HTTPError as error:
        raise PipelineError(
            f"no KFP API answers at {host} ({_innermost(error)}): start it or forward its port, or correct --host"
        ) from error


def _reason(error: kfp_server_api.ApiException) -> str:
    """KFP explains itself in JSON, a proxy before it in whatever it likes."""
    try:
        words = json.loads(error.body or "")
        text = str(words.get("message") or words.get("error") or words)
    except (ValueError, AttributeError):
        text = str(error.reason or error.body or "it says no more")
    return " ".join(text.split())[:_MAX_NAME_LENGTH]


def _innermost(error: BaseException) -> str:
    """The system's words; urllib3 wraps them."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    if isinstance(error, TimeoutError):
        return f"no answer within {_ANSWER_S if 'read' in str(error) else _CONNECT_S:.0f} s"
    return str(getattr(error, "strerror", None) or error)[:_MAX_NAME_LENGTH]
