"""Folders, zip files and any S3 behind one set of functions: what is read is named by a URI, never by a local path.

A URI is a path of this machine (`/data/train.csv`), an object (`s3://bucket/key`, by the minio client) or a file inside
a zip (`zip:///data/birdclef-2025.zip!/train.csv`, read in place). Everything that goes wrong is a `StorageError` of one
sentence; `concerns_one_file` tells a file that cannot be read from a place that cannot.
"""

from silencio.storage.atomic import (
    real_place,
    replace_file,
    replace_folder,
    restore_folder,
    whole_folder,
    write_atomically,
    writing,
)
from silencio.storage.by_products import is_by_product, is_of_system
from silencio.storage.digests import sha256_of
from silencio.storage.file_finder import FileFinder
from silencio.storage.names import escaped, local_path, short_name
from silencio.storage.objects import (
    StoredObject,
    as_local_file,
    concerns_one_file,
    download_folder,
    exists,
    is_missing,
    is_refused_name,
    list_folders,
    list_objects,
    read_bytes,
    upload_folder,
    write_bytes,
)
from silencio.storage.uris import is_local, is_s3, join, name_of, zip_root

__all__ = [
    "FileFinder",
    "StoredObject",
    "as_local_file",
    "concerns_one_file",
    "download_folder",
    "escaped",
    "exists",
    "is_by_product",
    "is_local",
    "is_missing",
    "is_of_system",
    "is_refused_name",
    "is_s3",
    "join",
    "list_folders",
    "list_objects",
    "local_path",
    "name_of",
    "read_bytes",
    "real_place",
    "replace_file",
    "replace_folder",
    "restore_folder",
    "sha256_of",
    "short_name",
    "upload_folder",
    "whole_folder",
    "write_atomically",
    "write_bytes",
    "writing",
    "zip_root",
]
