"""The pipeline `train`: from recordings to a bundle."""

from typing import Any, NamedTuple

from kfp import dsl

from components.compare_bundles import compare_bundles
from components.configure import configure
from components.fetch_champion import fetch_champion
from components.image import VERSION
from components.ingest import ingest
from components.inputs_version import inputs_version
from components.open_run import open_run
from components.pool_unlabelled import pool_unlabelled
from components.preflight import preflight
from components.record import record
from components.record_heads import record_heads
from components.register import register
from components.split import split
from components.validate import validate
from pipelines import resources
from pipelines.cache_keys import keyed
from pipelines.train_nodes import (
    Data,
    EvaluatedBundle,
    Heads,
    Run,
    Settings,
    distill_heads,
    featurize_split,
    make_bundle,
    pseudo_label_pool,
    pseudo_label_recordings,
    train_heads,
)
from silencio.config import STUDENT, RunConfig
from silencio.config.parts import MAX_HEADS
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
        resolved: The configuration; it decides which nodes there are.
        default_config: YAML or JSON that the run's page shows and lets an engineer change.

    Raises:
        ConfigError: More heads than there are places for.
    """
    if len(resolved.heads) > MAX_HEADS:
        raise ConfigError(f"{len(resolved.heads)} heads are configured, a pipeline has room for {MAX_HEADS}")
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
        previous: str = "",
        champion: str = "registry",
        run_key: str = "",
    ) -> leaves:  # KFP reads it when the graph is made
        """Train every head, combine and calibrate them, export, evaluate on held-out recordings, and register.

        Args:
            data: Where the recordings are, or `demo`.
            config: The configuration, as YAML or JSON.
            overrides: Values laid over it, each like `heads.raw_cnn.epochs=3`.
            previous: Bundle or split history of an earlier run, whose split recordings keep.
            champion: Folder of the bundle that serves now, to be compared with; `registry`: MLflow's; `none` compares
                with nothing.
            run_key: The run's identity: started again with it, the same MLflow run is taken up. Empty: each start is
                a run of its own.
        """
        # First, so that a slip in what was typed opens no run.
        configured = configure(config=config, overrides=overrides, compiled_for=resolved.graph)
        opened = open_run(name=f"train-{preset}", key=run_key).after(configured)
        # Asked each time: it finds the run of its key, and a cached answer would be another run's.
        opened.set_caching_options(False)
        # Asked each time, too, while no work can be lost: another bundle may be champion now, or lie in the folder.
        against = fetch_champion(champion=champion).after(opened)
        against.set_caching_options(False)
        resources.with_tracking(resources.with_recordings(resources.request(against, resources.SMALL)))
        # A cache sees the name of a place and not what lies there: everything after these two is keyed by what they
        # say, of recordings and of files that the configuration names.
        read = inputs_version(data=data, beside=previous).after(opened)
        for task in (configured, read):
            task.set_caching_options(False)
            resources.with_recordings(resources.request(task, resources.SMALL))
        settings = Settings(configured.outputs, read.output)
        tried = preflight(config=settings.of("preflight")).after(against)
        found = keyed(ingest, settings.key("ingest"))(data=data, config=settings.of("ingest")).after(tried)
        checked = keyed(validate, settings.key("validate"))(
            config=settings.of("validate"), recordings=found.outputs["recordings"]
        )
        divided = keyed(split, settings.key("split"))(
            config=settings.of("split"), usable=checked.outputs["usable"], previous=previous
        )
        requests = ((found, resources.SMALL), (checked, resources.DECODE), (divided, resources.SMALL))
        for task, request in (*requests, (tried, resources.EVALUATE)):
            resources.request(task, request)
        for task in (tried, found, checked, divided):  # `previous` may lie beside the recordings
            resources.with_recordings(task)
        resources.with_tracking(resources.with_image(resources.request(opened, resources.SMALL)))
        parents = {
            "data_fingerprint": checked.outputs["data_fingerprint"],
            "split_sha256": divided.outputs["split_sha256"],
            "pool_sha256": "",
        }
        recordings = _recordings(resolved, settings, found, checked, divided, parents)
        compared_with = against.outputs["bundle"], {"champion_bundle": against.outputs["Output"]}
        run = Run(preset, settings, opened.output, parents, *compared_with)
        heads, earlier = _trained(resolved, recordings, run)
        made = {"ensemble": make_bundle(recordings, heads, run)}
        if not resolved.student:
            _register(made["ensemble"], heads, run).after(*_record_heads(earlier, made["ensemble"], run))
            return leaves(*_published(made["ensemble"]))
        soft_labels = pseudo_label_recordings(
            STUDENT, recordings, heads, made["ensemble"].ensemble, run, "pseudo-label"
        )
        student = distill_heads({STUDENT: resolved.student}, soft_labels, recordings, run)
        made[STUDENT] = make_bundle(recordings, student, run, made["ensemble"])
        compared = _compare(resolved, made, run)
        released, (other, unreleased) = _sorted(made, resolved.released)
        recorded = [_record(other, unreleased, compared, run)]
        recorded += _record_heads(earlier | {STUDENT: student}, released, run)
        _register(released, heads, run).after(*recorded)
        pages = compared.outputs["page"], compared.outputs["table"]
        return leaves(*_published(released), unreleased.bundle, unreleased.report, *pages)

    return pipeline


def _recordings(
    resolved: RunConfig, settings: Settings, found: Any, checked: Any, divided: Any, parents: dict[str, Any]
) -> Data:
    """The recordings as shards; where soundscapes are learned from, those of training among them."""
    usable, assignment, soundscapes = (
        checked.outputs["usable"],
        divided.outputs["assignment"],
        found.outputs["soundscapes"],
    )
    featurized = usable, assignment
    if resolved.self_training and resolved.self_training.pool == "soundscapes":
        inputs = {"usable": usable, "assignment": assignment, "soundscapes": soundscapes}
        pooled = keyed(pool_unlabelled, settings.key("pool_unlabelled"))(
            config=settings.of("pool_unlabelled"), **inputs
        )
        resources.request(resources.with_recordings(pooled), resources.DECODE)
        featurized = pooled.outputs["recordings"], pooled.outputs["extended_assignment"]
        parents["pool_sha256"] = pooled.outputs["pool_sha256"]
    return Data(
        classes=found.outputs["classes"],
        usable=usable,
        assignment=assignment,
        split_history=divided.outputs["split_history"],
        soundscapes=soundscapes,
        development=featurize_split("development", settings, *featurized),
        test=None if resolved.n_folds else featurize_split("test", settings, usable, assignment),
    )


def _trained(resolved: RunConfig, data: Data, run: Run) -> tuple[Heads, dict[str, Heads]]:
    """The heads; with self-training, trained again with their predictions of the pool, and the former ones, by name."""
    if resolved.self_training is None:
        return train_heads(resolved, data, run), {}
    earlier = _EARLIER[: resolved.self_training.rounds]
    heads = train_heads(resolved, data, run, f"-{earlier[0]}")
    teachers = {}
    for number, word in enumerate(earlier, start=1):
        teachers[word] = heads
        soft_labels = pseudo_label_pool(data, heads, run, word)
        next_word = f"-{earlier[number]}" if number < len(earlier) else ""
        record_as = f" after self-training {number}"
        heads = distill_heads(resolved.heads, soft_labels, data, run, next_word, record_as=record_as)
    return heads, teachers


def _compare(resolved: RunConfig, made: dict[str, EvaluatedBundle], run: Run) -> Any:
    task = keyed(compare_bundles, run.settings.key("compare_bundles") | run.compared)(
        config=run.settings.of("compare_bundles"),
        released=resolved.released,
        ensemble=made["ensemble"].bundle,
        ensemble_evaluation=made["ensemble"].evaluation,
        student=made[STUDENT].bundle,
        student_evaluation=made[STUDENT].evaluation,
    )
    return resources.request(resources.with_recordings(task), resources.EVALUATE)


def _register(made: EvaluatedBundle, heads: Heads, run: Run) -> Any:
    files = {"bundle": made.bundle, "verdict": made.verdict, "evaluation": made.evaluation, "report": made.report}
    task = keyed(register, heads.places)(run_id=run.run_id, config=run.settings.of("resolved"), **files, **heads.models)
    task.set_caching_options(False)
    return resources.with_tracking(resources.request(task, resources.SMALL))


def _record_heads(groups: dict[str, Heads], made: EvaluatedBundle, run: Run) -> list[Any]:
    """Of heads that `register` is not handed: there are more of them than it has places."""
    tasks = []
    for name, heads in groups.items():
        # Whatever else there is to do is done first: this needs the server.
        task = keyed(record_heads, heads.places, f"record-heads-{name}")(run_id=run.run_id, **heads.models).after(
            made.bundle.task
        )
        task.set_caching_options(False)
        tasks.append(resources.with_tracking(resources.request(task, resources.SMALL)))
    return tasks


def _record(name: str, made: EvaluatedBundle, compared: Any, run: Run) -> Any:
    files = {"bundle": made.bundle, "verdict": made.verdict, "evaluation": made.evaluation, "report": made.report}
    pages = {"page": compared.outputs["page"], "table": compared.outputs["table"]}
    task = record(run_id=run.run_id, name=name, **files, **pages)
    task.set_caching_options(False)
    return resources.with_tracking(resources.request(task, resources.SMALL))


def _sorted(made: dict[str, EvaluatedBundle], released: str) -> tuple[EvaluatedBundle, tuple[str, EvaluatedBundle]]:
    """The released bundle, and the other with its name."""
    return made[released], next((name, one) for name, one in made.items() if name != released)


def _published(made: EvaluatedBundle) -> tuple[Any, ...]:
    return made.bundle, made.evaluation, made.verdict, made.report
