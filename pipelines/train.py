"""The pipeline `train`: from recordings to a bundle."""

import copy
import dataclasses
from typing import Any, NamedTuple

from kfp import dsl

from components.calibrate import calibrate
from components.evaluate import evaluate
from components.export import export
from components.featurize import featurize
from components.fuse import fuse
from components.image import VERSION, train_image
from components.ingest import ingest
from components.judge import judge
from components.open_run import open_run
from components.plan import plan
from components.register import register
from components.split import split
from components.train import train
from components.validate import validate
from pipelines import resources
from silencio.config import RunConfig
from silencio.errors import ConfigError

# Places for heads in `fuse`, `evaluate` and `export`.
MOST_HEADS = 6
# Shards that a local run works on at once; a cluster schedules by what each pod asks for.
SHARDS_AT_ONCE = 2


class _Trained(NamedTuple):
    """What a run leaves."""

    bundle: dsl.Model
    evaluation: dsl.Artifact
    verdict: dsl.Artifact
    report: dsl.HTML


def train_pipeline(preset: str, resolved: RunConfig, default_config: str) -> Any:
    """Make the graph for the heads of a configuration.

    Heads are unrolled, each a named node with its own request: a loop would share one request among them.

    Args:
        preset: Names the pipeline.
        resolved: Decides which heads there are.
        default_config: YAML or JSON that the run's page shows and lets an engineer change.

    Raises:
        ConfigError: More heads than there are places for.
    """
    if len(resolved.heads) > MOST_HEADS:
        raise ConfigError(f"{len(resolved.heads)} heads are configured, a pipeline has room for {MOST_HEADS}")

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
    ) -> _Trained:
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
        found = resources.with_recordings(ingest(data=data, config=config, overrides=overrides)).after(opened)
        kept, classes = found.outputs["resolved"], found.outputs["classes"]
        checked = resources.with_recordings(validate(config=kept, recordings=found.outputs["recordings"]))
        usable = checked.outputs["usable"]
        divided = split(config=kept, usable=usable, previous=previous)
        for task, request in ((found, resources.SMALL), (checked, resources.DECODE), (divided, resources.SMALL)):
            resources.request(task, request)
        assignment = divided.outputs["assignment"]
        development = _featurize("development", kept, usable, assignment)
        test = _featurize("test", kept, usable, assignment)
        heads = _train(resolved, preset, kept, classes, development, opened.outputs["run_id"])
        fused = fuse(config=kept, classes=classes, usable=usable, **heads)
        decided = calibrate(config=kept, classes=classes, usable=usable, fusion=fused.outputs["fusion"])
        ensemble = {"fusion": fused.outputs["fusion"], "decisions": decided.outputs["decisions"]}
        parents = {
            "data_fingerprint": checked.outputs["data_fingerprint"],
            "split_sha256": divided.outputs["split_sha256"],
            "code_version": code_version,
            "image": image,
        }
        made = export(
            config=kept,
            parents=parents,
            classes=classes,
            usable=usable,
            assignment=assignment,
            ledger=divided.outputs["ledger"],
            development=dsl.Collected(development),
            **ensemble,
            **heads,
        )
        evaluated = evaluate(
            config=kept,
            classes=classes,
            candidate=made.outputs["candidate"],
            soundscapes=found.outputs["soundscapes"],
            development=dsl.Collected(development),
            test=dsl.Collected(test),
            champion=champion,
            champion_version=opened.outputs["champion_version"],
            **ensemble,
            **heads,
        )
        judged = judge(
            config=kept,
            candidate=made.outputs["candidate"],
            evaluation=evaluated.outputs["evaluation"],
            variants=made.outputs["variants"],
            test=dsl.Collected(test),
        )
        bundle, evaluation = judged.outputs["bundle"], evaluated.outputs["evaluation"]
        verdict, report = judged.outputs["verdict"], judged.outputs["report"]
        kept_record = register(
            run_id=opened.outputs["run_id"],
            config=kept,
            bundle=bundle,
            verdict=verdict,
            evaluation=evaluation,
            report=report,
        )
        kept_record.set_caching_options(False)
        for task in (opened, fused, decided, judged, kept_record):
            resources.request(task, resources.SMALL)
        for task in (opened, evaluated, kept_record):
            resources.with_tracking(task)
        for task in (made, evaluated):
            resources.request(resources.with_recordings(task), resources.JUDGE)
        return _Trained(bundle, evaluation, verdict, report)

    return pipeline


def _featurize(part: str, config: Any, usable: Any, assignment: Any) -> Any:
    """One pod a shard; test shards come from a loop of their own, so that no training step can be handed one.

    Returns:
        The loop's output. Each consumer wraps it in a `dsl.Collected` of its own: the compiler changes the one it
        is given.
    """
    planned = _node(plan, f"plan-{part}")(part=part, assignment=assignment)
    resources.request(planned, resources.SMALL)
    with dsl.ParallelFor(planned.output, parallelism=SHARDS_AT_ONCE) as shard:
        task = _node(featurize, f"featurize-{part}")(config=config, shard=shard, usable=usable, assignment=assignment)
        resources.request(resources.with_recordings(task), resources.DECODE)
    return task.outputs["waveforms"]


def _train(
    resolved: RunConfig, preset: str, config: Any, classes: Any, development: Any, run_id: Any
) -> dict[str, Any]:
    """A named node a head; in the places that are left, the last head again."""
    models = []
    for name, head in resolved.heads.items():
        node = _node(train, f"train-{name.replace('_', '-')}")
        task = node(config=config, head=name, classes=classes, shards=dsl.Collected(development), run_id=run_id)
        resources.request(resources.with_tracking(task), resources.for_head(head.kind, preset))
        models.append(task.outputs["model"])
    models += [models[-1]] * (MOST_HEADS - len(models))
    return {f"head_{number}": model for number, model in enumerate(models, start=1)}


def _node(component: Any, name: str) -> Any:
    """The component under the name that its node shall have: KFP would number them."""
    named = copy.copy(component)
    named.component_spec = dataclasses.replace(component.component_spec, name=name)
    named.name = name
    return named
