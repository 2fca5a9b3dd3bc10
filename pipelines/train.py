"""The pipeline `train`: from recordings to a bundle."""

from typing import Any, NamedTuple

from kfp import dsl

from components.compare_bundles import compare_bundles
from components.fetch_champion import fetch_champion
from components.image import VERSION, train_image
from components.ingest import ingest
from components.inputs_version import inputs_version
from components.open_run import open_run
from components.pool import pool
from components.record import record
from components.record_heads import record_heads
from components.register import register
from components.split import split
from components.validate import validate
from pipelines import resources
from pipelines.cache_keys import keyed
from pipelines.train_nodes import (
    MOST_HEADS,
    Data,
    Heads,
    Made,
    Run,
    featurize_part,
    fuse_and_label,
    label_recordings,
    make_bundle,
    teach_heads,
    train_heads,
)
from silencio.config import STUDENT, RunConfig
from silencio.errors import ConfigError

# How the nodes of heads that are trained again are told apart; the last training's bear no such word.
_EARLIER = ("first", "second", "third")


class _Trained(NamedTuple):
    """What a run leaves."""

    bundle: dsl.Model
    evaluation: dsl.Artifact
    verdict: dsl.Artifact
    report: dsl.HTML


class _TrainedBoth(NamedTuple):
    """What a run with a student leaves: of the released bundle, and of both."""

    bundle: dsl.Model
    evaluation: dsl.Artifact
    verdict: dsl.Artifact
    report: dsl.HTML
    other_bundle: dsl.Model
    other_report: dsl.HTML
    bundles_page: dsl.HTML
    bundles_table: dsl.Artifact


def train_pipeline(preset: str, resolved: RunConfig, default_config: str) -> Any:
    """Make the graph for the heads of a configuration, its student and its self-training.

    Heads are unrolled, each a named node with its own request: a loop would share one request among them.

    Args:
        preset: Names the pipeline.
        resolved: Decides which nodes there are.
        default_config: YAML or JSON that the run's page shows and lets an engineer change.

    Raises:
        ConfigError: More heads than there are places for.
    """
    if len(resolved.heads) > MOST_HEADS:
        raise ConfigError(f"{len(resolved.heads)} heads are configured, a pipeline has room for {MOST_HEADS}")
    leaves: Any = _TrainedBoth if resolved.student else _Trained

    @dsl.pipeline(  # type: ignore[untyped-decorator]
        name=f"silencio-train-{preset}",
        display_name=f"Silencio: train {preset}",
        description=f"Recordings to a verified bundle. Silencio {VERSION}, heads {', '.join(resolved.heads)}.",
    )
    def pipeline(
        data: str = "/data",
        config: str = default_config,
        overrides: list[str] = [],  # noqa: B006  # KFP reads it as the parameter's default
        code_version: str = VERSION,
        image: str = train_image(),
        previous: str = "",
        champion: str = "registry",
        run_key: str = "",
    ) -> leaves:  # KFP reads it when the graph is made
        """Train every head, fuse and calibrate them, export, judge the whole on held-out recordings, and register.

        Args:
            data: Where the recordings are, or `demo`.
            config: The configuration, as YAML or JSON.
            overrides: Values laid over it, each like `heads.raw_cnn.epochs=3`.
            code_version: Commit or version of the code, kept in the bundle.
            image: Image and digest of the steps, kept in the bundle.
            previous: Bundle or ledger of an earlier run, whose recordings keep their parts.
            champion: Folder of the bundle that serves now, to be compared with; `registry` asks MLflow, `none` compares
                with nothing.
            run_key: The run's identity: started again with it, the same MLflow run is taken up. Empty: each start is
                a run of its own.
        """
        opened = open_run(name=f"train-{preset}", code_version=code_version, image=image, key=run_key)
        # Asked each time: it finds the run of its key, and a cached answer would be another run's.
        opened.set_caching_options(False)
        # Asked each time, too: another bundle may be champion now, or lie in the folder.
        against = fetch_champion(champion=champion).after(opened)
        against.set_caching_options(False)
        resources.with_tracking(resources.with_recordings(resources.request(against, resources.SMALL)))
        # A cache sees the name of a place and not what lies there: everything after this step is keyed by what it says.
        read = inputs_version(data=data, beside=previous, config=config, overrides=overrides).after(opened)
        read.set_caching_options(False)
        key = {"inputs_version": read.output}
        asked = keyed(ingest, key)(data=data, config=config, overrides=overrides, compiled_for=resolved.graph)
        found = resources.with_recordings(asked).after(opened)
        kept = found.outputs["resolved"]
        checked = keyed(validate, key)(config=kept, recordings=found.outputs["recordings"])
        divided = keyed(split, key)(config=kept, usable=checked.outputs["usable"], previous=previous)
        for task, request in ((found, resources.SMALL), (checked, resources.DECODE), (divided, resources.SMALL)):
            resources.request(task, request)
        resources.with_recordings(checked)
        resources.with_recordings(resources.request(read, resources.SMALL))
        resources.with_tracking(resources.request(opened, resources.SMALL))
        parents = {
            "data_fingerprint": checked.outputs["data_fingerprint"],
            "split_sha256": divided.outputs["split_sha256"],
            "pool_sha256": "",
            "code_version": code_version,
            "image": image,
        }
        heard = _heard(resolved, kept, found, checked, divided, parents, key)
        # Of what the candidate holds, and of the champion.
        known_as = {"code_version": code_version, "image": image, "champion_bundle": against.outputs["Output"]}
        run = Run(preset, opened.output, key, parents, against.outputs["bundle"], key | known_as)
        heads, earlier = _trained(resolved, kept, heard, run)
        made = {"ensemble": make_bundle(kept, heard, heads, run)}
        if not resolved.student:
            _register(kept, made["ensemble"], heads, run).after(*_record_heads(earlier, made["ensemble"], run))
            return leaves(*_published(made["ensemble"]))
        labelled = label_recordings(STUDENT, kept, heard, heads, made["ensemble"].fusion, run, "label")
        student = teach_heads({STUDENT: resolved.student}, labelled, heard, run)
        made[STUDENT] = make_bundle(labelled.outputs["taught"], heard, student, run, "-student")
        compared = _compare(resolved, kept, made, run)
        released, (other, unreleased) = _sorted(made, resolved.released)
        recorded = [_record(other, unreleased, compared, run)]
        recorded += _record_heads(earlier | {STUDENT: student}, released, run)
        _register(kept, released, heads, run).after(*recorded)
        pages = compared.outputs["page"], compared.outputs["table"]
        return leaves(*_published(released), unreleased.bundle, unreleased.report, *pages)

    return pipeline


def _heard(
    resolved: RunConfig,
    config: Any,
    found: Any,
    checked: Any,
    divided: Any,
    parents: dict[str, Any],
    key: dict[str, Any],
) -> Data:
    """The recordings as shards; where soundscapes are learned from, those of training among them."""
    usable, assignment, soundscapes = (
        checked.outputs["usable"],
        divided.outputs["assignment"],
        found.outputs["soundscapes"],
    )
    featurized = usable, assignment
    if resolved.self_training and resolved.self_training.pool == "soundscapes":
        inputs = {"config": config, "usable": usable, "assignment": assignment, "soundscapes": soundscapes}
        pooled = keyed(pool, key)(**inputs)
        resources.request(resources.with_recordings(pooled), resources.DECODE)
        featurized = pooled.outputs["recordings"], pooled.outputs["extended"]
        parents["pool_sha256"] = pooled.outputs["pool_sha256"]
    return Data(
        classes=found.outputs["classes"],
        usable=usable,
        assignment=assignment,
        ledger=divided.outputs["ledger"],
        soundscapes=soundscapes,
        development=featurize_part("development", config, *featurized, key),
        test=featurize_part("test", config, usable, assignment, key),
    )


def _trained(resolved: RunConfig, config: Any, data: Data, run: Run) -> tuple[Heads, dict[str, Heads]]:
    """The heads; with self-training, trained again with what they said of the pool, and those that said it, by name."""
    if resolved.self_training is None:
        return train_heads(resolved, config, data, run), {}
    earlier = _EARLIER[: resolved.self_training.rounds]
    heads = train_heads(resolved, config, data, run, f"-{earlier[0]}")
    taught_by = {}
    for number, word in enumerate(earlier, start=1):
        taught_by[word] = heads
        labelled = fuse_and_label(config, data, heads, run, word)
        next_word = f"-{earlier[number]}" if number < len(earlier) else ""
        record_as = f" after self-training {number}"
        heads = teach_heads(resolved.heads, labelled, data, run, next_word, record_as=record_as)
    return heads, taught_by


def _compare(resolved: RunConfig, config: Any, made: dict[str, Made], run: Run) -> Any:
    task = keyed(compare_bundles, run.compared)(
        config=config,
        released=resolved.released,
        ensemble=made["ensemble"].bundle,
        ensemble_evaluation=made["ensemble"].evaluation,
        student=made[STUDENT].bundle,
        student_evaluation=made[STUDENT].evaluation,
    )
    return resources.request(resources.with_recordings(task), resources.JUDGE)


def _register(config: Any, made: Made, heads: Heads, run: Run) -> Any:
    files = {"bundle": made.bundle, "verdict": made.verdict, "evaluation": made.evaluation, "report": made.report}
    task = register(run_id=run.run_id, config=config, **files, **heads)
    task.set_caching_options(False)
    return resources.with_tracking(resources.request(task, resources.SMALL))


def _record_heads(groups: dict[str, Heads], made: Made, run: Run) -> list[Any]:
    """Of heads that `register` is not handed: there are more of them than it has places."""
    tasks = []
    for name, heads in groups.items():
        # Whatever else there is to do is done first: this needs the server.
        task = keyed(record_heads, {}, f"record-heads-{name}")(run_id=run.run_id, **heads).after(made.bundle.task)
        task.set_caching_options(False)
        tasks.append(resources.with_tracking(resources.request(task, resources.SMALL)))
    return tasks


def _record(name: str, made: Made, compared: Any, run: Run) -> Any:
    files = {"bundle": made.bundle, "verdict": made.verdict, "evaluation": made.evaluation, "report": made.report}
    pages = {"page": compared.outputs["page"], "table": compared.outputs["table"]}
    task = record(run_id=run.run_id, name=name, **files, **pages)
    task.set_caching_options(False)
    return resources.with_tracking(resources.request(task, resources.SMALL))


def _sorted(made: dict[str, Made], released: str) -> tuple[Made, tuple[str, Made]]:
    """The released bundle, and the other with its name."""
    return made[released], next((name, one) for name, one in made.items() if name != released)


def _published(made: Made) -> tuple[Any, ...]:
    return made.bundle, made.evaluation, made.verdict, made.report
