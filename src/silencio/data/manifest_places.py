"""Which places a manifest may name: whoever writes one borrows the eyes of whoever reads it.

A manifest of this machine is read by somebody who may read all that it can name; it may name anything. One in S3 was
put there by whoever may write to that bucket, and is read with the credentials of a cluster: it names recordings of its
own bucket, and other places where `SILENCIO_MANIFEST_PLACES` lists them. Once that is set, it holds for every manifest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from silencio.errors import SchemaError
from silencio.storage import is_local, is_s3, local_path
from silencio.storage.uris import is_zip

SETTING = "SILENCIO_MANIFEST_PLACES"


def check_places(manifest: str, base: str, places: Iterable[tuple[int, str, str]]) -> None:
    """Refuse a manifest that names what it may not.

    Args:
        manifest: URI of the manifest.
        base: The folder or prefix that it lies in.
        places: Row, what stands there, and the URI that it means.

    Raises:
        SchemaError: The first row that names another place.
    """
    listed = [one for one in os.environ.get(SETTING, "").split(",") if one.strip()]
    if is_local(manifest) and not listed:
        return
    allowed = [base if is_local(manifest) else f"s3://{manifest.removeprefix('s3://').partition('/')[0]}", *listed]
    for row, text, place in places:
        if not any(_is_below(place, one.strip()) for one in allowed):
            raise SchemaError(
                f"{manifest}: column 'path', row {row}: {text!r} is outside of {', '.join(allowed)}: put {SETTING} "
                "(folders and s3:// prefixes with commas between them) in the environment where it may be read"
            )


def _is_below(place: str, allowed: str) -> bool:
    if is_s3(place) or is_s3(allowed):
        return place.startswith(allowed.rstrip("/") + "/")
    if is_zip(place):
        place = place.removeprefix("zip://").partition("!")[0]
    # With links followed: a link in the folder is a place outside of it.
    return local_path(place).resolve().is_relative_to(local_path(allowed).resolve())
