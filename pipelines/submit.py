"""Hand a compiled pipeline to a KFP host, to run once or again and again: `silencio submit NAME --host URL`."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format  # type: ignore[import-untyped]

from components.image import VERSION, pinned
from pipelines.cluster_places import check_read, check_recordings, check_written, need_claim
from pipelines.compile import WITHOUT_CONFIGURATION, one_line, write_package
from pipelines.drift import NAME as DRIFT
from pipelines.ir_check import refuse_faults
from pipelines.kfp_host import MAX_NAME_LENGTH, KfpHost, safe_name
from pipelines.resources import Cluster, made_for
from pipelines.train import train_pipeline
from silencio.config import resolve
from silencio.errors import ConfigError
from silencio.provenance import IMAGE
from silencio.registry.settings import NO_CHAMPION, REGISTRY

_FIELDS_OF_CRON = (5, 6)


@dataclass(frozen=True)
class Target:
    """Where, as what and when a pipeline is to run.

    Attributes:
        host: URL of the API, or of the UI, which passes it on.
        namespace: Namespace of the user, where KFP serves several.
        experiment: Experiment under which KFP lists the runs; made, where there is none.
        resources: The profile that decides what steps ask for; empty: what the pipeline needs.
        claim: Whether the volume claim is mounted; None: where anything that is named may lie on it.
        image: Image in which the steps run; None: the image of this version.
        cron: When it runs again and again, in five fields, or in six with seconds first; empty: once, now.
        schedule: The recurring run's name; empty: the pipeline's, with the place that it releases at or reports to.
            One of that name is replaced.
    """

    host: str
    namespace: str = ""
    experiment: str = "silencio"
    resources: str = ""
    claim: bool | None = None
    image: str | None = None
    cron: str = ""
    schedule: str = ""


@dataclass(frozen=True)
class Submitted:
    """What a KFP host took.

    Attributes:
        identity: KFP's id of the run, or of the recurring run.
        link: Its page.
        n_replaced: Recurring runs of its name that it takes the place of.
    """

    identity: str
    link: str
    n_replaced: int = 0


def submit_train(
    target: Target,
    preset: str,
    config: str,
    overrides: Sequence[str],
    *,
    data: str | None = None,
    previous: str = "",
    champion: str = REGISTRY,
) -> Submitted:
    """Compile `train` for a configuration, as `compile` does for the presets, and have it run.

    Args:
        target: Where and when.
        preset: Names the graph.
        config: YAML of the configuration.
        overrides: Laid over it.
        data: Where the recordings are, as the cluster sees them; None: where the pipeline says.
        previous: Bundle or split history of an earlier run, whose split recordings keep.
        champion: Bundle that serves now, to be compared with; `registry`: MLflow's; `none` compares with nothing.

    Raises:
        ConfigError: The configuration, a place, the host, the times or the image cannot be used; nothing was sent.
        PipelineError: The host does not answer, is no KFP API, or refuses.
    """
    resolved = resolve(config, overrides=overrides)
    arguments = _train_arguments(config, overrides, data, previous, champion)
    claim = target.claim
    if claim is None:
        bundles = [place for place in (previous, champion) if place]
        claim = data is None or need_claim(data, bundles, resolved.model_dump(mode="json"))

    def make() -> Any:
        return train_pipeline(preset, resolved, one_line(config))

    return _submit(target, f"train-{preset}", make, arguments, claim)


def submit_compiled(target: Target, name: str, given: Sequence[str]) -> Submitted:
    """Have a pipeline without a configuration run.

    Args:
        target: Where and when.
        name: One of `pipelines.compile.WITHOUT_CONFIGURATION`.
        given: Its arguments, each NAME=VALUE.

    Raises:
        ConfigError: An argument is none of its own or is missing, or the host, the times or the image cannot be used;
            nothing was sent.
        PipelineError: The host does not answer, is no KFP API, or refuses.
    """
    make = WITHOUT_CONFIGURATION[name]
    root = json_format.MessageToDict(make().pipeline_spec.root)
    declared = root.get("inputDefinitions", {}).get("parameters", {})
    arguments = typed_arguments(name, declared, given)
    if name == DRIFT:
        check_written("--argument reports", arguments["reports"])
        for place in ("predictions", "bundle", "reviews", "policy"):
            if arguments.get(place):
                check_read(f"--argument {place}", arguments[place])
    return _submit(target, name, make, arguments, claim=target.claim is not False)


def typed_arguments(name: str, declared: Mapping[str, Mapping[str, Any]], given: Sequence[str]) -> dict[str, Any]:
    """What was typed, as the types that a pipeline declares.

    Args:
        name: The pipeline's.
        declared: Its `inputDefinitions`.
        given: Each NAME=VALUE; numbers, lists and objects as JSON has them.

    Raises:
        ConfigError: One is unknown, twice there, of another type, or a needed one is missing.
    """
    arguments: dict[str, Any] = {}
    for one in given:
        key, equals, text = one.partition("=")
        if not equals or key not in declared:
            raise ConfigError(f"--argument {one!r}: {name} takes NAME=VALUE with one of {', '.join(sorted(declared))}")
        if key in arguments:
            raise ConfigError(f"--argument {key} is given twice")
        arguments[key] = _typed(one, text, declared[key]["parameterType"])
    optional = {key for key, one in declared.items() if "defaultValue" in one or one.get("isOptional")}
    if missing := sorted(declared.keys() - optional - arguments.keys()):
        raise ConfigError(f"{name} needs {missing[0]}: give --argument {missing[0]}=VALUE")
    return arguments


def _typed(given: str, text: str, kind: str) -> Any:
    if kind == "STRING":
        return text
    types: dict[str, type | tuple[type, ...]] = {
        "NUMBER_INTEGER": int,
        "NUMBER_DOUBLE": (int, float),
        "BOOLEAN": bool,
        "LIST": list,
        "STRUCT": dict,
    }
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    # True is an int.
    if not isinstance(value, types[kind]) or (isinstance(value, bool) and kind != "BOOLEAN"):
        raise ConfigError(f"--argument {given!r}: {kind.lower().replace('_', ' ')} is needed, as JSON has it")
    return value


def _submit(target: Target, name: str, make: Callable[[], Any], arguments: Mapping[str, Any], claim: bool) -> Submitted:
    image = target.image and pinned(target.image, "--image")
    cron = _with_seconds(target.cron) if target.cron else ""
    if target.schedule and not cron:
        raise ConfigError(f"--schedule {target.schedule!r} names what --cron runs again and again: give --cron, too")
    place = str(arguments.get("place") or arguments.get("reports") or "")
    schedule = _schedule_name(target.schedule, name, place) if cron else ""
    host = KfpHost(target.host, target.namespace)
    with tempfile.TemporaryDirectory() as folder:
        with made_for(Cluster(target.resources, claim)):
            pipeline = make()
        package = _package(pipeline, image, Path(folder) / f"{name}.yaml")
        version = host.version(package, safe_name(f"silencio-{name}"), VERSION)
    if cron:
        identity, n_replaced = host.schedule(version, schedule, target.experiment, arguments, cron)
        return Submitted(identity, f"{host.url}/#/recurringrun/details/{identity}", n_replaced)
    title = f"{name.replace('-', ' ', 1)} {time.strftime('%Y-%m-%d %H:%M:%S')}"
    identity = host.run(version, title, target.experiment, arguments)
    return Submitted(identity, f"{host.url}/#/runs/details/{identity}")


def _schedule_name(given: str, pipeline: str, place: str) -> str:
    """What is given, or the pipeline's name and place: two reserves of one KFP do not replace each other's.

    Raises:
        ConfigError: KFP would know it by a name that another one may have, too.
    """
    # No namespace has a dot: `a-b/c` is another place than `a/b-c`.
    place = place.removeprefix("kserve:").removeprefix("s3://")
    parts = ["silencio", pipeline, place.strip("/").replace("/", ".")]
    wanted = given or "-".join(part for part in parts if part)
    name = safe_name(wanted)
    if name != wanted.lower():
        raise ConfigError(
            f"--schedule {wanted!r} would be {name!r}, as others might: give a name of at most {MAX_NAME_LENGTH} "
            "letters a to z, digits, dots and hyphens, with a letter or a digit at both ends"
        )
    return name


def _with_seconds(cron: str) -> str:
    """KFP's six fields, of which the first is seconds; whether they make times, KFP says.

    Raises:
        ConfigError: There are fewer or more fields.
    """
    fields = cron.split()
    if len(fields) not in _FIELDS_OF_CRON or any(re.search(r"[^\w*/,?#-]", field) for field in fields):
        raise ConfigError(
            f"--cron {cron!r}: minute, hour, day, month and weekday are needed, such as '0 3 * * 1', or six fields "
            "with seconds before them"
        )
    return " ".join(fields if len(fields) == max(_FIELDS_OF_CRON) else ["0", *fields])


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


def _train_arguments(
    config: str, overrides: Sequence[str], data: str | None, previous: str, champion: str
) -> dict[str, Any]:
    """What the run page shows as given, if pods can read it; the rest stays as compiled."""
    arguments: dict[str, Any] = {"config": one_line(config), "overrides": list(overrides)}
    if data is not None:
        check_recordings(data)
        arguments["data"] = data
    if previous:
        check_read("--previous", previous)
        arguments["previous"] = previous
    if champion != REGISTRY:
        if champion != NO_CHAMPION:
            check_read("--champion", champion)
        arguments["champion"] = champion
    return arguments
