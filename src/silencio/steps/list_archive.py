"""list_archive: every file of an archive, each with the shard in which it is scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from silencio.data.file_names import AUDIO_KINDS, AUDIO_SUFFIXES, is_audio
from silencio.data.source import is_listed, root_of
from silencio.errors import SourceError
from silencio.storage import is_of_system, list_objects

# Of a shard whose size nobody chose: some ten hours of OGG, minutes of work for a pod.
SHARD_BYTES = 1 << 30
# The step that joins them is told of all in one argument of its command: some 650 bytes each on a cluster, and Linux
# bounds an argument by 128 KiB.
MAX_SHARDS = 150
NOT_AUDIO = f"by its name it is no recording ({', '.join(AUDIO_SUFFIXES)})"
OF_SYSTEM = "it lies in a folder of an operating system, such as its bin"


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        data: A folder, `s3://` prefix or zip.
        n_shards: How many; 0 leaves it to the size of the archive.
    """

    data: str
    n_shards: int = 0


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        archive: Table (Parquet) of files: `file`, `uri`, `size_bytes`, `shard` (-1: it is skipped), `reason`.
    """

    archive: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, int]:
    """List the files of an archive, each with its shard.

    Files that follow each other by name are scored together; shards have about as many bytes. A folder that cannot be
    listed is a row of its own, which is skipped.

    Returns:
        For the run's page: counts.

    Raises:
        SourceError: There is no recording, or a number of shards is asked for that cannot be.
        StorageError: The place does not answer.
    """
    data, n_shards = inputs.data, inputs.n_shards
    if not 0 <= n_shards <= MAX_SHARDS:
        raise SourceError(f"{n_shards} shards: 0 (by size) to {MAX_SHARDS} is needed")
    if not is_listed(data):
        raise SourceError(f"{data} is a table: batch_score takes a folder, s3://bucket/prefix or a zip of recordings")
    root = root_of(data)
    closed: list[tuple[str, str]] = []
    found = list_objects(root, lambda uri, error: closed.append((uri, str(error))))
    names = [one.uri.removeprefix(root).lstrip("/") for one in found]
    scored_bytes = [one.size_bytes if is_audio(name) else -1 for one, name in zip(found, names, strict=True)]
    shards = _shards(scored_bytes, n_shards)
    n_recordings = sum(shard >= 0 for shard in shards)
    if not n_recordings:
        raise SourceError(f"{data} holds no recording ({AUDIO_KINDS}), and {len(found)} other files")
    table = {
        "file": [*names, *(f"{uri.removeprefix(root).lstrip('/')}/" for uri, _ in closed)],
        "uri": [*(one.uri for one in found), *(uri for uri, _ in closed)],
        "size_bytes": [*(one.size_bytes for one in found), *(0 for _ in closed)],
        "shard": [*shards, *(-1 for _ in closed)],
        "reason": [
            *(
                "" if shard >= 0 else OF_SYSTEM if is_of_system(name) else NOT_AUDIO
                for name, shard in zip(names, shards, strict=True)
            ),
            *(reason for _, reason in closed),
        ],
    }
    pq.write_table(pa.table(table), outputs.archive)
    return {"files": len(found) + len(closed), "recordings": n_recordings, "shards": len({*shards} - {-1})}


def _shards(sizes_bytes: list[int], n_shards: int) -> list[int]:
    """A number for each file, rising without a gap; -1 for those of size -1."""
    taken_bytes = [size + 1 for size in sizes_bytes if size >= 0]  # an empty file is work too
    n_shards = min(n_shards or -(-sum(taken_bytes) // SHARD_BYTES), len(taken_bytes), MAX_SHARDS)
    shards, begun_bytes, left = [], 0, len(taken_bytes)
    shard, first = 0, True
    for size in sizes_bytes:
        if size < 0:
            shards.append(-1)
            continue
        # The next begins when this one has its share, or when each file that is left must begin one.
        is_full = begun_bytes >= (shard + 1) * sum(taken_bytes) / n_shards
        if not first and shard < n_shards - 1 and (is_full or left <= n_shards - 1 - shard):
            shard += 1
        shards.append(shard)
        begun_bytes, left, first = begun_bytes + size + 1, left - 1, False
    return shards
