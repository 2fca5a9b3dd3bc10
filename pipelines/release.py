"""The pipeline `release`: a challenger meets visitors, a node a step, each with the release's page as it stood then.

Nodes begin a release and show it; the judge (`silencio release auto`, on a cluster one Deployment) carries it out.
"""

from typing import Any, NamedTuple

from kfp import dsl

from components.canary_step import canary_step
from components.fetch_champion import fetch_champion
from components.image import VERSION
from components.promote import promote
from components.replay import replay
from components.roll_back import roll_back
from components.stage import stage
from pipelines import resources
from pipelines.cache_keys import keyed
from silencio.release.policy import ReleasePolicy

NAME = "release"


class _Released(NamedTuple):
    """What a run leaves."""

    release_id: str
    comparison: dsl.Artifact


def release_pipeline() -> Any:
    """Make the graph: a node for each share of the policy that ships; another policy passes those that it has not."""
    shares = ReleasePolicy.shipped().steps[1:]

    @dsl.pipeline(  # type: ignore[untyped-decorator]
        name=f"silencio-{NAME}",
        display_name="Silencio: release a bundle",
        description=f"A challenger meets visitors as fast as evidence allows. Silencio {VERSION}.",
    )
    def pipeline(
        place: str,
        recordings: str = "/data",
        champion: str = "registry",
        challenger: str = "registry:challenger",
        champion_uri: str = "",
        challenger_uri: str = "",
        prediction_log: str = "",
        files: str = "",
        policy: str = "",
        by: str = "KFP",
        run_key: str = "",
    ) -> _Released:
        """Release a challenger; one that was released before is shown as it stands.

        Args:
            place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
            recordings: Labelled recordings that neither learned from: a folder, an `s3://` prefix or a table.
            champion: Folder or `s3://` prefix of the bundle that serves; `registry` is MLflow's champion.
            challenger: Folder or `s3://` prefix of the bundle that is offered; `registry:challenger` is MLflow's.
            champion_uri: Where the champion is served from; empty: from its folder.
            challenger_uri: Where the challenger is served from; empty: from its folder.
            prediction_log: Folder or `s3://` prefix of the champion's prediction log; empty: there is none.
            files: Folder from which the judge reads the comparison; empty: of the claim `silencio-release`, or of the
                state folder.
            policy: YAML of a policy; empty: the one that ships.
            by: Who begins it.
            run_key: The run's identity; nothing here needs it.
        """
        serving = keyed(fetch_champion, {}, "fetch-champion")(champion=champion)
        offered = keyed(fetch_champion, {}, "fetch-challenger")(champion=challenger)
        bundles = {"champion": serving.outputs["bundle"], "challenger": offered.outputs["bundle"]}
        replayed = replay(recordings=recordings, prediction_log=prediction_log, policy=policy, **bundles)
        seen = {"place": place, "comparison": replayed.outputs["comparison"]}
        staged = stage(
            champion_uri=champion_uri,
            challenger_uri=challenger_uri,
            files=files,
            policy=policy,
            by=by,
            **bundles,
            **seen,
        )
        seen["release_id"] = staged.outputs["release_id"]
        steps = [staged]
        for share in shares:
            watched = keyed(canary_step, {}, f"canary-{share:g}-percent")
            steps.append(watched(share_percent=share, **seen).after(steps[-1]))
        end = promote(**seen).after(steps[-1])
        # In every run: where the challenger was promoted it says so. kfp's conditions have no names of their own.
        taken_back = roll_back(**seen).after(end)
        for task in (serving, offered):
            resources.with_tracking(resources.with_recordings(task))
        for task in (replayed, *steps, end, taken_back):
            resources.with_recordings(task)
        resources.with_release_files(staged)
        resources.request(replayed, resources.EVALUATE)
        for task in (serving, offered, *steps, end, taken_back):
            resources.request(task, resources.SMALL)
        for task in (serving, offered, replayed, *steps, end, taken_back):
            # Nothing of it is what it was: places, the registry, a release that goes on.
            task.set_caching_options(False)
        return _Released(staged.outputs["release_id"], replayed.outputs["comparison"])

    return pipeline
