"""Nodes of `train` that stand in its graph more than once: heads, and what makes an evaluated bundle of them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from kfp import dsl

from components.apply_gates import apply_gates
from components.calibrate import calibrate
from components.distill import distill
from components.evaluate import evaluate
from components.export import export
from components.featurize import featurize
from components.fit_ensemble import fit_ensemble
from components.join_folds import join_folds
from components.plan import plan
from components.pseudo_label import pseudo_label
from components.train_head import train_head
from pipelines import resources
from pipelines.cache_keys import HEAD_SETTINGS, MADE_OF, MADE_WITH, PLACES, keyed
from pipelines.named_groups import NamedLoop
from silencio.config import STUDENT, RunConfig
from silencio.config.parts import MAX_HEADS
from silencio.data.split import MAX_FOLDS
from silencio.models.head import HeadConfig

# Shards that a local run works on at once; a cluster schedules by what each pod asks for.
SHARDS_AT_ONCE = 2

# Steps that open recordings or soundscapes, of which their input artifacts do not tell all. `featurize` is none: the
# table of recordings has the bytes' SHA-256, and a recording that was changed since ends it.
_READ_RECORDINGS = frozenset(
    {"ingest", "validate", "pool_unlabelled", "train_head", "distill", "export", "evaluate", "apply_gates"}
)
_READ_RECORDINGS |= {"compare_bundles"}


class Heads(NamedTuple):
    """Trained heads in the places that components have for them.

    Attributes:
        models: By place, `head_1` to `head_6`.
        places: Which head stands in which place, as a parameter for the step's page.
    """

    models: dict[str, Any]
    places: dict[str, str]


class Data(NamedTuple):
    """What nodes are handed of recordings.

    Attributes:
        classes: The ordered class list.
        usable: The recordings.
        assignment: Their parts.
        split_history: What the next run is handed.
        soundscapes: Unlabelled recordings of the same places.
        development: The loop's shards of training, validation and pool.
        test: The loop's shards of the test set; None where every recording is trained on (`cross_fit`).
    """

    classes: Any
    usable: Any
    assignment: Any
    split_history: Any
    soundscapes: Any
    development: Any
    test: Any

    @property
    def evaluated(self) -> Any:
        """Shards of what is evaluated: all of them, where none were held out."""
        return self.development if self.test is None else self.test


class Settings(NamedTuple):
    """The configuration, taken apart by `configure`.

    Attributes:
        outputs: What each step reads of it, and what was made before with which settings.
        inputs_version: Version of the recordings.
    """

    outputs: dict[str, Any]
    inputs_version: Any

    def of(self, step: str) -> Any:
        """What a step reads."""
        return self.outputs[step]

    def key(self, step: str) -> dict[str, Any]:
        """By what a step's cache key knows its input artifacts: see `pipelines.cache_keys`."""
        before = self.outputs.get(f"before_{step}")
        of = "inputs_version" if step.removesuffix(f"_{STUDENT}") in _READ_RECORDINGS else MADE_OF
        return {of: self.inputs_version} | ({MADE_WITH: before} if before is not None else {})


class Run(NamedTuple):
    """What a node asks of the run as a whole.

    Attributes:
        preset: Names the pipeline, and decides how large its nodes are.
        settings: The configuration.
        run_id: The MLflow run.
        parents: What bundles are made from.
        champion: The bundle with which candidates are compared.
        compared: What steps are keyed by from `evaluate` on: the champion's content.
    """

    preset: str
    settings: Settings
    run_id: Any
    parents: dict[str, Any]
    champion: Any
    compared: dict[str, Any]


class EvaluatedBundle(NamedTuple):
    """A bundle that was evaluated, with its verdict.

    Attributes:
        ensemble: Its supervisor.
        bundle: Sealed, with its verdict.
        evaluation: All metrics.
        verdict: The gates' verdict.
        report: For people.
    """

    ensemble: Any
    bundle: Any
    evaluation: Any
    verdict: Any
    report: Any


def featurize_split(split: str, settings: Settings, usable: Any, assignment: Any) -> Any:
    """One pod a shard; test shards come from a loop of their own, so that no training step can be handed one.

    Args:
        split: `development` or `test`.
        settings: The configuration.
        usable: The recordings.
        assignment: Their parts.

    Returns:
        The loop's output. Each consumer wraps it in a `dsl.Collected` of its own: the compiler changes the one it
        is given.
    """
    key = settings.key("featurize")
    planned = keyed(plan, key, f"plan-{split}")(split=split, assignment=assignment)
    resources.request(planned, resources.SMALL)
    with NamedLoop(planned.output, f"featurize-{split}-shards", SHARDS_AT_ONCE) as shard:
        inputs = {"config": settings.of("featurize"), "shard": shard, "usable": usable, "assignment": assignment}
        task = keyed(featurize, key, f"featurize-{split}")(**inputs)
        resources.request(resources.with_recordings(task), resources.DECODE)
    return task.outputs["waveforms"]


def train_heads(resolved: RunConfig, data: Data, run: Run, suffix: str = "") -> Heads:
    """A named node a head; of `cross_fit` one more a fold, and one that joins them."""
    models = []
    for name, place in _places(resolved.heads).items():
        key = run.settings.key("train_head")
        whole = _train_head(resolved, data, run, name, place, f"train-{_dashed(name)}{suffix}")
        if not resolved.n_folds:
            models.append(whole)
            continue
        folds = [
            _train_head(resolved, data, run, name, place, f"train-{_dashed(name)}-fold-{number + 1}{suffix}", number)
            for number in range(resolved.n_folds)
        ]
        folds += [folds[-1]] * (MAX_FOLDS - len(folds))
        places = {f"fold_{number}": one for number, one in enumerate(folds, start=1)}
        joined = keyed(join_folds, key | {HEAD_SETTINGS: run.settings.of(place)}, f"join-{_dashed(name)}{suffix}")
        models.append(resources.request(joined(whole=whole, **places), resources.SMALL).outputs["model"])
    return _in_places(resolved.heads, models)


def _train_head(
    resolved: RunConfig, data: Data, run: Run, name: str, place: str, node: str, fold: int | None = None
) -> Any:
    task = keyed(train_head, run.settings.key("train_head"), node)(
        config=run.settings.of(place),
        head=name,
        classes=data.classes,
        shards=dsl.Collected(data.development),
        soundscapes=data.soundscapes,
        **({} if fold is None else {"fold": fold}),
    )
    resources.request(_with_places(task), resources.for_head(resolved.heads[name].kind, run.preset))
    return task.outputs["model"]


def distill_heads(
    heads: dict[str, HeadConfig], soft_labels: Any, data: Data, run: Run, suffix: str = "", *, record_as: str = ""
) -> Heads:
    """A named node a head that learns from soft labels; `record_as` is added to the names of their MLflow runs."""
    models = []
    for name, place in _places(heads).items():
        task = keyed(distill, run.settings.key("distill"), f"distill-{_dashed(name)}{suffix}")(
            config=run.settings.of(place),
            head=name,
            record_as=name + record_as,
            classes=data.classes,
            soft_labels=soft_labels,
            shards=dsl.Collected(data.development),
            soundscapes=data.soundscapes,
        )
        resources.request(_with_places(task), resources.for_head(heads[name].kind, run.preset))
        models.append(task.outputs["model"])
    return _in_places(heads, models)


def _places(heads: dict[str, HeadConfig]) -> dict[str, str]:
    """By head, the output of `configure` with its part."""
    if list(heads) == [STUDENT]:
        return {STUDENT: STUDENT}
    return {name: f"head_{number}" for number, name in enumerate(sorted(heads), start=1)}


def _with_places(task: Any) -> Any:
    """Where heads are recorded, and where weights and soundscapes lie."""
    return resources.with_recordings(resources.with_tracking(task))


def pseudo_label_pool(data: Data, heads: Heads, run: Run, word: str) -> Any:
    """The supervisor of heads that are trained again, and their predictions of the pool."""
    fitted = _fit_ensemble(data, heads, run, "", f"fit-ensemble-{word}")
    return pseudo_label_recordings("heads", data, heads, fitted.outputs["ensemble"], run, f"pseudo-label-{word}")


def pseudo_label_recordings(learner: str, data: Data, heads: Heads, ensemble: Any, run: Run, node: str) -> Any:
    """The ensemble's predictions of recordings, for a learner."""
    task = keyed(pseudo_label, run.settings.key("pseudo_label") | heads.places, node)(
        config=run.settings.of("pseudo_label"),
        learner=learner,
        classes=data.classes,
        usable=data.usable,
        ensemble=ensemble,
        development=dsl.Collected(data.development),
        **heads.models,
    )
    return resources.request(task, resources.for_teacher(run.preset)).outputs["soft_labels"]


def make_bundle(data: Data, heads: Heads, run: Run, teacher: EvaluatedBundle | None = None) -> EvaluatedBundle:
    """Combine, calibrate, export, evaluate and apply the gates.

    Args:
        data: What nodes are handed of recordings.
        heads: The trained heads.
        run: The run.
        teacher: Where the head is a student: its metrics stand beside its teacher's.
    """
    of, suffix = (f"_{STUDENT}", f"-{STUDENT}") if teacher else ("", "")
    settings = run.settings
    fitted = _fit_ensemble(data, heads, run, of, f"fit-ensemble{suffix}")
    calibrated = keyed(calibrate, settings.key(f"calibrate{of}"), f"calibrate{suffix}")(
        config=settings.of("calibrate"), classes=data.classes, usable=data.usable, ensemble=fitted.outputs["ensemble"]
    )
    fitted_ensemble = {"ensemble": fitted.outputs["ensemble"], "decision_rule": calibrated.outputs["decision_rule"]}
    made = keyed(export, settings.key(f"export{of}") | heads.places, f"export{suffix}")(
        config=settings.of(f"export{of}"),
        config_sha256=settings.of(f"config_sha256{of}"),
        **run.parents,
        classes=data.classes,
        usable=data.usable,
        assignment=data.assignment,
        split_history=data.split_history,
        development=dsl.Collected(data.development),
        **fitted_ensemble,
        **heads.models,
    )
    beside = {"teacher": teacher.evaluation} if teacher else {}
    evaluated = keyed(evaluate, settings.key(f"evaluate{of}") | heads.places | run.compared, f"evaluate{suffix}")(
        config=settings.of(f"evaluate{of}"),
        classes=data.classes,
        candidate=made.outputs["candidate"],
        soundscapes=data.soundscapes,
        development=dsl.Collected(data.development),
        test=dsl.Collected(data.evaluated),
        champion=run.champion,
        **beside,
        **fitted_ensemble,
        **heads.models,
    )
    gated = keyed(apply_gates, settings.key(f"apply_gates{of}") | run.compared, f"apply-gates{suffix}")(
        config=settings.of("apply_gates"),
        candidate=made.outputs["candidate"],
        evaluation=evaluated.outputs["evaluation"],
        variants=made.outputs["variants"],
        test=dsl.Collected(data.evaluated),
    )
    for task in (calibrated, gated):
        resources.request(task, resources.SMALL)
    resources.with_image(made)
    for task in (made, evaluated):
        resources.request(resources.with_recordings(task), resources.EVALUATE)
    resources.with_recordings(gated)  # a few files of validation, to take times on
    outputs = {name: gated.outputs[name] for name in ("bundle", "verdict", "report")}
    return EvaluatedBundle(ensemble=fitted.outputs["ensemble"], evaluation=evaluated.outputs["evaluation"], **outputs)


def _fit_ensemble(data: Data, heads: Heads, run: Run, of: str, name: str) -> Any:
    node = keyed(fit_ensemble, run.settings.key(f"fit_ensemble{of}") | heads.places, name)
    task = node(config=run.settings.of(f"fit_ensemble{of}"), classes=data.classes, usable=data.usable, **heads.models)
    return resources.request(task, resources.SMALL)


def _in_places(names: Iterable[str], models: list[Any]) -> Heads:
    """In the places that are left, the last head again."""
    first = [f"head_{number}: {name}" for number, name in enumerate(sorted(names), start=1)]
    left = f" to head_{MAX_HEADS}" if len(models) < MAX_HEADS else ""
    words = "; ".join([*first[:-1], first[-1].replace(":", f"{left}:", 1)])
    models = models + [models[-1]] * (MAX_HEADS - len(models))
    return Heads({f"head_{number}": model for number, model in enumerate(models, start=1)}, {PLACES: words})


def _dashed(name: str) -> str:
    return name.replace("_", "-")
