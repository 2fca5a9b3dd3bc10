"""The pipeline `deliver`: from a bundle that was registered to visitors, by way of every proof that there is before.

Trigger, evaluation, integration test, package, staging, and then the pipeline `release` as one of its nodes.
"""

from typing import Any, NamedTuple

from kfp import dsl

from components.check_offer import check_offer
from components.delivery_due import delivery_due
from components.deploy_staging import deploy_staging
from components.fetch_champion import fetch_champion
from components.image import VERSION
from components.inputs_version import inputs_version
from components.integration_test import integration_test
from components.package import package
from components.record_delivery import record_delivery
from components.replay import replay
from pipelines import resources
from pipelines.cache_keys import keyed
from pipelines.named_groups import NamedIf
from pipelines.release import release_pipeline

NAME = "deliver"


class _Delivered(NamedTuple):
    """What a run leaves."""

    why: dsl.Markdown


def deliver_pipeline() -> Any:
    """Make the graph: what follows the trigger runs only where something is due."""
    release = release_pipeline()

    @dsl.pipeline(  # type: ignore[untyped-decorator]
        name=f"silencio-{NAME}",
        display_name="Silencio: deliver a bundle",
        description=f"A registered bundle to visitors, past gates, servers, staging and canary. Silencio {VERSION}.",
    )
    def pipeline(
        place: str,
        packages: str,
        recordings: str = "/data",
        trigger: str = "new",
        champion: str = "registry",
        challenger: str = "registry:challenger",
        champion_uri: str = "",
        staging: str = "",
        staging_url: str = "",
        prediction_log: str = "",
        files: str = "",
        policy: str = "",
        by: str = "KFP",
        run_key: str = "",
    ) -> _Delivered:
        """Deliver a challenger that was never held against these recordings, one at a time.

        Args:
            place: Where it is released: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
            packages: Folder or `s3://` prefix from which servers fetch bundles; deliveries are noted there, too.
            recordings: Labelled recordings that neither bundle learned from: a folder, an `s3://` prefix or a table.
            trigger: `new`: a bundle that is new, or that was never held against recordings as they are now; `by hand`:
                also one that was.
            champion: Folder or `s3://` prefix of the bundle that serves; `registry` is MLflow's champion.
            challenger: Folder or `s3://` prefix of the bundle that is delivered; `registry:challenger` is MLflow's.
            champion_uri: Where the champion is served from; empty: from its folder.
            staging: `kserve:NAMESPACE/NAME` of the staging environment; empty: there is none.
            staging_url: The address at which the staging environment answers for pods.
            prediction_log: Folder or `s3://` prefix of the champion's prediction log; empty: there is none.
            files: Folder from which the judge reads the comparison; empty: as the pipeline `release` has it.
            policy: YAML of a release's policy; empty: the one that ships.
            by: Who delivers it.
            run_key: The run's identity; nothing here needs it.
        """
        read = inputs_version(data=recordings, beside="")
        serving = keyed(fetch_champion, {}, "fetch-champion")(champion=champion)
        offered = keyed(fetch_champion, {}, "fetch-challenger")(champion=challenger)
        bundles = {"champion": serving.outputs["bundle"], "challenger": offered.outputs["bundle"]}
        noted = {"recordings_version": read.output, "packages": packages}
        # Of a component with one result: kfp.local finds no other in a condition.
        decided = delivery_due(trigger=trigger, place=place, **noted, **bundles)
        small = [read, serving, offered, decided]
        large = []
        with NamedIf(decided.outputs["Output"] == True, "due"):  # noqa: E712  # kfp makes a condition of it
            replayed = replay(recordings=recordings, prediction_log=prediction_log, policy=policy, **bundles)
            checked = check_offer(policy=policy, comparison=replayed.outputs["comparison"], **noted, **bundles)
            tried = integration_test(bundle=bundles["challenger"], **noted).after(checked)
            packaged = package(packages=packages, bundle=bundles["challenger"]).after(tried)
            staged = deploy_staging(
                staging=staging,
                url=staging_url,
                production=place,
                uri=packaged.output,
                bundle=bundles["challenger"],
                **noted,
            )
            released = release(
                place=place,
                recordings=recordings,
                champion=champion,
                challenger=packaged.output,
                champion_uri=champion_uri,
                challenger_uri=packaged.output,
                prediction_log=prediction_log,
                files=files,
                policy=policy,
                by=by,
            ).after(staged)
            kept = record_delivery(
                place=packaged.output,
                release_id=released.outputs["release_id"],
                challenger=bundles["challenger"],
                **noted,
            )
            small += [checked, packaged, staged, kept]
            large += [replayed, tried]
        for task in (*small, *large):
            # Nothing of it is what it was: places, the registry, servers.
            task.set_caching_options(False)
            resources.with_recordings(resources.request(task, resources.EVALUATE if task in large else resources.SMALL))
        for task in (serving, offered):
            resources.with_tracking(task)
        resources.with_staging(staged)
        return _Delivered(decided.outputs["page"])

    return pipeline
