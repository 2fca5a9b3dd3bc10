"""Files whose name a table writes in another form: other accents, case, separators or white space."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence

from silencio.errors import StorageError
from silencio.storage.names import escaped, local_path
from silencio.storage.objects import concerns_one_file, exists, list_objects
from silencio.storage.uris import is_local, is_s3
from silencio.taxonomy import clean_name, name_key


class Spellings:
    """Names by what is left of them when forms are levelled; the one with the fewest differences is found.

    Args:
        names: Names of files or folders.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._alike: list[dict[str, set[str]]] = [{}, {}]
        for name in self._names:
            for alike, key in zip(self._alike, _keys(name), strict=True):
                alike.setdefault(key, set()).add(name)

    def find(self, name: str) -> str | None:
        """The name itself, or the only one that is it in another form; None where there is none, or several are."""
        if name in self._names:
            return name
        for alike, key in zip(self._alike, _keys(name), strict=True):
            found = alike.get(key, set())
            if found:
                return next(iter(found)) if len(found) == 1 else None
        return None


def _keys(name: str) -> tuple[str, str]:
    """Levelled for accents, white space and separators; and for case as well."""
    slashed = "/".join(part for part in name.replace("\\", "/").split("/") if part)
    return clean_name(slashed), name_key(slashed)


class FileFinder:
    """Finds the files that a table names.

    Args:
        base: Folder, prefix or zip in which they are. A prefix is listed at once, which is cheaper than asking for each
            file; folders and zips only where a file is not there by its own name. Without a base, files in S3 and in
            zips are taken as they are named.
    """

    def __init__(self, base: str | None = None) -> None:
        self._base = base
        self._listed: Spellings | None = None
        self._folders: dict[str, Spellings] = {}

    def find_all(self, uris: Sequence[str]) -> list[str]:
        """As `find`, for all files of a table: a file is found once, and first by who names it as it is.

        Raises:
            StorageError: The place does not answer.
        """
        found = [self.find(uri) for uri in uris]
        n_named = Counter(found)
        return [there if there == uri or n_named[there] == 1 else uri for uri, there in zip(uris, found, strict=True)]

    def find(self, uri: str) -> str:
        """The file's URI, or of the only one whose name is that in another form; `uri` itself where there is none.

        Raises:
            StorageError: The place does not answer.
        """
        if is_local(uri):
            is_there = os.path.isfile(local_path(uri))  # noqa: PTH113  # pathlib's raises at a long name
            return uri if is_there else self._local(uri)
        if self._base is None or (not is_s3(uri) and exists(uri)):
            return uri
        if self._listed is None:
            self._listed = Spellings(_names(self._base))
        return self._listed.find(uri) or uri

    def _local(self, uri: str) -> str:
        """Part by part, so that only folders are listed in which something is written in another form."""
        here, left = "/" if uri.startswith("/") else ".", [part for part in uri.split("/") if part]
        while left:
            part, *rest = left
            if not _is_there(here, part):
                names = self._folder(here)
                found, all_of_it = names.find(part), names.find("/".join(left))
                if found is None and all_of_it is not None:
                    # A name that itself holds the separators of another system.
                    return _below(here, all_of_it)
                if found is None and "\\" in part:
                    left = [*part.split("\\"), *rest]
                    continue
                if found is None:
                    return uri
                part = found
            here, left = _below(here, part), rest
        return here if os.path.isfile(here) else uri  # noqa: PTH113

    def _folder(self, folder: str) -> Spellings:
        if folder not in self._folders:
            try:
                # Names, not paths; a table is text, and names none that is not.
                names = [name for name in os.listdir(folder) if name == escaped(name)]  # noqa: PTH208
            except OSError:
                names = []
            self._folders[folder] = Spellings(names)
        return self._folders[folder]


def _below(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118  # `..` is to stay


def _is_there(folder: str, name: str) -> bool:
    return os.path.lexists(_below(folder, name))


def _names(base: str) -> list[str]:
    try:
        return [file.uri for file in list_objects(base)]
    except StorageError as error:
        if concerns_one_file(error):
            return []
        raise
