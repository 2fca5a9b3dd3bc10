"""A KFP host: what is sent to its API, and what it refuses in plain words."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kfp_server_api  # type: ignore[import-untyped]
import urllib3
from kfp.client import Client

from silencio.errors import ConfigError, PipelineError
from silencio.storage import sha256_of

# Sent as a bearer token, where the API wants one.
TOKEN = "SILENCIO_KFP_TOKEN"  # noqa: S105  # the variable's name
_CONNECT_S, _ANSWER_S = 4.0, 20.0
_HEALTH = "/apis/v2beta1/healthz"
_MAX_REASON_LENGTH = 300
_PAGE = 100
_ALREADY_EXISTS = 409
# Where KFP keeps pipelines as Kubernetes objects, their names are those of objects.
MAX_NAME_LENGTH = 63
_N_DIGITS = 12


class KfpHost:
    """The API of one host, for one user.

    Args:
        url: Address of the API, or of the UI, which passes calls on.
        namespace: Namespace of the user, where KFP serves several.

    Raises:
        ConfigError: The URL is none.
        PipelineError: Nothing answers there in time, it is no KFP API, or it wants a token or a namespace.
    """

    def __init__(self, url: str, namespace: str = "") -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"--host {url!r}: a URL is needed, such as http://127.0.0.1:8888")
        self.url = url.rstrip("/")
        self._namespace = namespace
        with self._in_plain_words():
            self._check_answers()
            self._client = _client(self.url, namespace)

    def version(self, package: Path, pipeline: str, release: str) -> tuple[str, str]:
        """Have a compiled pipeline as a version, named by its content: the same graph again is the same version.

        Args:
            package: The compiled file.
            pipeline: The pipeline's name; made, where there is none.
            release: Version of this distribution, a part of the name.

        Returns:
            KFP's ids of the pipeline and of the version.
        """
        # The pipeline's name, too: as Kubernetes objects versions of all pipelines stand beside each other.
        name = safe_name(f"{pipeline}-{release}-{sha256_of(package)[:_N_DIGITS]}")
        with self._in_plain_words():
            pipeline_id = self._pipeline_id(pipeline)
            if found := self._version_id(pipeline_id, name):
                return pipeline_id, found
            try:
                made = self._client.upload_pipeline_version(str(package), name, pipeline_id=pipeline_id)
            except kfp_server_api.ApiException as error:
                # Another `submit` was faster.
                if error.status == _ALREADY_EXISTS and (found := self._version_id(pipeline_id, name)):
                    return pipeline_id, found
                raise
        return pipeline_id, self._given(made.pipeline_version_id, "version")

    def run(self, version: tuple[str, str], name: str, experiment: str, arguments: Mapping[str, Any]) -> str:
        """Start a run of a version.

        Args:
            version: As `version` returns it.
            name: The run's.
            experiment: Experiment under which KFP lists it; made, where there is none.
            arguments: Arguments of the pipeline.

        Returns:
            The run's id.
        """
        pipeline_id, version_id = version
        with self._in_plain_words():
            run = self._client.run_pipeline(
                self._experiment_id(experiment),
                name,
                params=dict(arguments),
                pipeline_id=pipeline_id,
                version_id=version_id,
            )
        return self._given(run.run_id, "run")

    def schedule(
        self, version: tuple[str, str], name: str, experiment: str, arguments: Mapping[str, Any], cron: str
    ) -> tuple[str, int]:
        """Start a version again and again: one run at a time, and none for times that were missed.

        KFP cannot change a recurring run. The new one is made while it is disabled, those of its name are deleted, and
        it is enabled: what was refused leaves the former one at work, and the same call again ends what was broken off.

        Args:
            version: As `version` returns it.
            name: The schedule's.
            experiment: Experiment under which KFP lists its runs; made, where there is none.
            arguments: Arguments of the pipeline.
            cron: When, with seconds.

        Returns:
            The recurring run's id, and how many it takes the place of.
        """
        pipeline_id, version_id = version
        with self._in_plain_words():
            former = self._schedules(name)
            made = self._client.create_recurring_run(
                self._experiment_id(experiment),
                name,
                cron_expression=cron,
                max_concurrency=1,
                no_catchup=True,
                params=dict(arguments),
                pipeline_id=pipeline_id,
                version_id=version_id,
                enabled=False,
            )
            made_id = self._given(made.recurring_run_id, "recurring run")
            for one in former:
                self._client.delete_recurring_run(one)
            self._client.enable_recurring_run(made_id)
        return made_id, len(former)

    def _pipeline_id(self, name: str) -> str:
        if found := self._found_pipeline_id(name):
            return found
        wanted = kfp_server_api.V2beta1Pipeline(display_name=name, name=name, namespace=self._namespace or None)
        try:
            made = self._client._pipelines_api.pipeline_service_create_pipeline(pipeline=wanted)
        except kfp_server_api.ApiException as error:
            # Another `submit` was faster.
            if error.status == _ALREADY_EXISTS and (found := self._found_pipeline_id(name)):
                return found
            raise
        return self._given(made.pipeline_id, "pipeline")

    def _found_pipeline_id(self, name: str) -> str:
        listed = self._client.list_pipelines(page_size=_PAGE, filter=_named(name), namespace=self._namespace or None)
        return str(listed.pipelines[0].pipeline_id) if listed.pipelines else ""

    def _version_id(self, pipeline_id: str, name: str) -> str:
        listed = self._client.list_pipeline_versions(pipeline_id, page_size=_PAGE, filter=_named(name))
        return str(listed.pipeline_versions[0].pipeline_version_id) if listed.pipeline_versions else ""

    def _experiment_id(self, name: str) -> str:
        made = self._client.create_experiment(name, namespace=self._namespace or None)
        return self._given(made.experiment_id, "experiment")

    def _schedules(self, name: str) -> list[str]:
        found: list[str] = []
        page = ""
        while True:
            listed = self._client.list_recurring_runs(
                page_token=page, page_size=_PAGE, namespace=self._namespace or None, filter=_named(name)
            )
            found += [one.recurring_run_id for one in listed.recurring_runs or []]
            page = listed.next_page_token or ""
            if not page:
                return found

    def _given(self, identity: str | None, what: str) -> str:
        if not identity:
            raise PipelineError(
                f"what answers at {self.url} gave no {what}: it is no KFP API of version 2; correct --host"
            )
        return identity

    def _check_answers(self) -> None:
        """One question with a limit: kfp.Client itself tries for half a minute, and prints tracebacks meanwhile."""
        token = os.environ.get(TOKEN)
        response = urllib3.PoolManager().request(
            "GET",
            self.url + _HEALTH,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=_ANSWER_S),
            retries=False,
        )
        if response.status in (401, 403):
            raise PipelineError(
                f"{self.url} wants to know who asks (HTTP {response.status}): set {TOKEN} to a token for it"
            )
        try:
            health = json.loads(response.data) if response.status == 200 else None
        except ValueError:
            health = None
        if not isinstance(health, dict):
            raise PipelineError(
                f"what answers at {self.url} is no KFP API of version 2 ({_HEALTH} gave HTTP {response.status}): "
                "correct --host"
            )
        if health.get("multi_user") and not self._namespace:
            raise PipelineError(f"KFP at {self.url} serves several users: name yours by --namespace")

    @contextlib.contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Whatever KFP's client and what is below it raise, as one sentence; what they print is not shown."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except kfp_server_api.ApiException as error:
            raise PipelineError(f"KFP at {self.url} refuses (HTTP {error.status}): {_reason(error)}") from error
        except urllib3.exceptions.HTTPError as error:
            raise PipelineError(
                f"no KFP API answers at {self.url} ({_innermost(error)}): start it or forward its port, or correct "
                "--host"
            ) from error


def safe_name(text: str) -> str:
    """A name as Kubernetes takes it: lower case, digits, dots and hyphens; where it is too long, its end is kept."""
    name = re.sub(r"[^a-z0-9.]+", "-", text.lower())
    return name[-MAX_NAME_LENGTH:].strip("-.")


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _client(url: str, namespace: str) -> Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # `kubeflow` is kfp's word for none.
        client = Client(host=url, namespace=namespace or "kubeflow", existing_token=os.environ.get(TOKEN))
    pool = client._run_api.api_client.rest_client.pool_manager
    ask = pool.request

    def ask_with_limits(*arguments: Any, **options: Any) -> Any:
        limits = {"timeout": urllib3.Timeout(connect=_CONNECT_S, read=_ANSWER_S), "retries": False}
        return ask(*arguments, **{**options, **limits})

    pool.request = ask_with_limits
    return client


def _reason(error: kfp_server_api.ApiException) -> str:
    """KFP explains itself in JSON, a proxy before it in whatever it likes."""
    try:
        words = json.loads(error.body or "")
        text = str(words.get("message") or words.get("error") or words)
    except (ValueError, AttributeError):
        text = str(error.reason or error.body or "it says no more")
    return " ".join(text.split())[:_MAX_REASON_LENGTH]


def _innermost(error: BaseException) -> str:
    """The system's words; urllib3 wraps them."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    if isinstance(error, TimeoutError):
        return f"no answer within {_ANSWER_S if 'read' in str(error) else _CONNECT_S:.0f} s"
    return str(getattr(error, "strerror", None) or error)[:_MAX_REASON_LENGTH]
