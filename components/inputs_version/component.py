"""inputs_version: which version of the recordings a run reads, as a value that every cache sees."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def inputs_version(data: str, beside: str) -> str:
    """Identify which version of everything that the run reads is there now.

    KFP's cache sees the name of a place and not what lies there: steps that are handed this value run again when a
    file was added, removed or written there. Hidden files and what systems leave in folders that somebody
    opens (`.DS_Store`, `Thumbs.db`, `@eaDir`) do not count.

    Args:
        data: A folder, an `s3://` prefix, a zip, a manifest, or the name of a source that comes with the library.
        beside: Another place that is read: the split history of an earlier run, or a bundle; empty: none.

    Returns:
        A digest; it says nothing but whether something was changed.
    """
    from silencio.steps import inputs_version as step

    return step.run(step.Inputs(data=data, beside=beside))
