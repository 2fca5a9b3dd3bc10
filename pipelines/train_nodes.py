"""Nodes of `train` that stand in its graph more than once: heads, and what makes a judged bundle of them."""

from typing import Any, NamedTuple

from kfp import dsl

from components.calibrate import calibrate
from components.evaluate import evaluate
from components.export import export
from components.featurize import featurize
from components.fuse import fuse
from components.judge import judge
from components.label import label
from components.plan import plan
from components.teach import teach
from components.train import train
from pipelines import resources
from pipelines.cache_keys import keyed
from silencio.config import RunConfig
from silencio.models.head import HeadConfig

# Places for heads in `fuse`, `label`, `evaluate` and `export`.
MOST_HEADS = 6
# Shards that a local run works on at once; a cluster schedules by what each pod asks for.
SHARDS_AT_ONCE = 2

Heads = dict[str, Any]


class Data(NamedTuple):
    """What nodes are handed of recordings.

    Attributes:
        classes: The ordered class list.
        usable: The recordings.
        assignment: Their parts.
        ledger: What the next run is handed.
        soundscapes: Unlabelled recordings of the same places.
        development: The loop's shards of training, validation and pool.
        test: The loop's shards of the test part.
    """

    classes: Any
    usable: Any
    assignment: Any
    ledger: Any
    soundscapes: Any
    development: Any
    test: Any


class Run(NamedTuple):
    """What a node asks of the run as a whole.

    Attributes:
        preset: Names the pipeline, and says how large its nodes are.
        run_id: The MLflow run.
        key: What every step is keyed by: the version of what is read.
        parents: What bundles are made from.
        champion: The bundle with which candidates are compared.
        compared: What steps are keyed by from `evaluate` on: the champion's content, and what candidates keep.
    """

    preset: str
    run_id: Any
    key: dict[str, Any]
    parents: dict[str, Any]
    champion: Any
    compared: dict[str, Any]


class Made(NamedTuple):
    """A judged bundle.

    Attributes:
        fusion: Its supervisor.
        bundle: Sealed, with its verdict.
        evaluation: All figures.
        verdict: What the gates said.
        report: For people.
    """

    fusion: Any
    bundle: Any
    evaluation: Any
    verdict: Any
    report: Any


def featurize_part(part: str, config: Any, usable: Any, assignment: Any, key: dict[str, Any]) -> Any:
    """One pod a shard; test shards come from a loop of their own, so that no training step can be handed one.

    Args:
        part: `development` or `test`.
        config: The resolved configuration.
        usable: The recordings.
        assignment: Their parts.
        key: See `cache_keys`.

    Returns:
        The loop's output. Each consumer wraps it in a `dsl.Collected` of its own: the compiler changes the one it
        is given.
    """
    planned = keyed(plan, key, f"plan-{part}")(part=part, assignment=assignment)
    resources.request(planned, resources.SMALL)
    with dsl.ParallelFor(planned.output, parallelism=SHARDS_AT_ONCE) as shard:
        inputs = {"config": config, "shard": shard, "usable": usable, "assignment": assignment}
        task = keyed(featurize, key, f"featurize-{part}")(**inputs)
        resources.request(resources.with_recordings(task), resources.DECODE)
    return task.outputs["waveforms"]


def train_heads(resolved: RunConfig, config: Any, data: Data, run: Run, suffix: str = "") -> Heads:
    """A named node a head."""
    models = []
    for name, head in resolved.heads.items():
        node = keyed(train, run.key, f"train-{_dashed(name)}{suffix}")
        shards = dsl.Collected(data.development)
        task = node(config=config, head=name, classes=data.classes, shards=shards, soundscapes=data.soundscapes)
        resources.request(_with_places(task), resources.for_head(head.kind, run.preset))
        models.append(task.outputs["model"])
    return _in_places(models)


def teach_heads(
    heads: dict[str, HeadConfig], labelled: Any, data: Data, run: Run, suffix: str = "", *, record_as: str = ""
) -> Heads:
    """A named node a head that learns from soft labels; `record_as` is added to the names of their MLflow runs."""
    models = []
    for name, head in heads.items():
        task = keyed(teach, run.key, f"train-{_dashed(name)}{suffix}")(
            config=labelled.outputs["taught"],
            head=name,
            record_as=name + record_as,
            classes=data.classes,
            soft=labelled.outputs["soft"],
            shards=dsl.Collected(data.development),
            soundscapes=data.soundscapes,
        )
        resources.request(_with_places(task), resources.for_head(head.kind, run.preset))
        models.append(task.outputs["model"])
    return _in_places(models)


def _with_places(task: Any) -> Any:
    """Where heads are recorded, and where weights and soundscapes lie."""
    return resources.with_recordings(resources.with_tracking(task))


def fuse_and_label(config: Any, data: Data, heads: Heads, run: Run, word: str) -> Any:
    """The supervisor of heads that are trained again, and what they say of the pool."""
    fused = keyed(fuse, run.key, f"fuse-{word}")(config=config, classes=data.classes, usable=data.usable, **heads)
    resources.request(fused, resources.SMALL)
    return label_recordings("heads", config, data, heads, fused.outputs["fusion"], run, f"label-pool-{word}")


def label_recordings(learner: str, config: Any, data: Data, heads: Heads, fusion: Any, run: Run, label_as: str) -> Any:
    """What the ensemble says of recordings, for a learner."""
    task = keyed(label, run.key, label_as)(
        config=config,
        learner=learner,
        classes=data.classes,
        usable=data.usable,
        fusion=fusion,
        development=dsl.Collected(data.development),
        **heads,
    )
    return resources.request(task, resources.for_teacher(run.preset))


def make_bundle(config: Any, data: Data, heads: Heads, run: Run, suffix: str = "") -> Made:
    """Fuse, calibrate, export, evaluate and judge."""
    fused = keyed(fuse, run.key, f"fuse{suffix}")(config=config, classes=data.classes, usable=data.usable, **heads)
    decided = keyed(calibrate, run.key, f"calibrate{suffix}")(
        config=config, classes=data.classes, usable=data.usable, fusion=fused.outputs["fusion"]
    )
    ensemble = {"fusion": fused.outputs["fusion"], "decisions": decided.outputs["decisions"]}
    made = keyed(export, run.key, f"export{suffix}")(
        config=config,
        **run.parents,
        classes=data.classes,
        usable=data.usable,
        assignment=data.assignment,
        ledger=data.ledger,
        development=dsl.Collected(data.development),
        **ensemble,
        **heads,
    )
    evaluated = keyed(evaluate, run.compared, f"evaluate{suffix}")(
        config=config,
        classes=data.classes,
        candidate=made.outputs["candidate"],
        soundscapes=data.soundscapes,
        development=dsl.Collected(data.development),
        test=dsl.Collected(data.test),
        champion=run.champion,
        **ensemble,
        **heads,
    )
    judged = keyed(judge, run.compared, f"judge{suffix}")(
        config=config,
        candidate=made.outputs["candidate"],
        evaluation=evaluated.outputs["evaluation"],
        variants=made.outputs["variants"],
        test=dsl.Collected(data.test),
    )
    for task in (fused, decided, judged):
        resources.request(task, resources.SMALL)
    for task in (made, evaluated):
        resources.request(resources.with_recordings(task), resources.JUDGE)
    resources.with_recordings(judged)  # a few files of validation, to take times on
    outputs = {name: judged.outputs[name] for name in ("bundle", "verdict", "report")}
    return Made(fusion=fused.outputs["fusion"], evaluation=evaluated.outputs["evaluation"], **outputs)


def _in_places(models: list[Any]) -> Heads:
    """In the places that are left, the last head again."""
    models = models + [models[-1]] * (MOST_HEADS - len(models))
    return {f"head_{number}": model for number, model in enumerate(models, start=1)}


def _dashed(name: str) -> str:
    return name.replace("_", "-")
