"""Which recorder wrote a file, by its name and folders."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from serving.server.recorder_ids import RecorderIds, is_recorder_id
from silencio.data.file_names import site_and_time

_OF_A_CARD = re.compile(r"data|\d{8}|\d{4}-\d\d-\d\d", re.IGNORECASE)


def recorder_of_file(name: str, named: RecorderIds) -> RecorderIds:
    """Recorder and site of a file.

    Song Meter, SoundTrap, and AudioMoth where it is told to, begin a file's name with the recorder's: its serial
    number, until somebody gives it another ("Recorder Name", Wildlife Acoustics' guide to the Song Meter SM5).

    Args:
        name: The file's name, with the folders that say something of it.
        named: What is known of all files, which comes first.

    Returns:
        The recorder as the file's name begins, before date and time, else as its folder is called; the site as the
        first folder is, where that is not the recorder's. What cannot be an id is left out, and so are folders that
        recorders make themselves: a Song Meter's `Data`, an AudioMoth's one a day.
    """
    folders = [one for one in PurePosixPath(name).parent.parts if not _OF_A_CARD.fullmatch(one)]
    device_id = site_and_time(name)[0] or (folders.pop() if folders else "")
    site_id = folders[0] if folders and folders[0] != device_id else ""
    return RecorderIds(named.site_id or _id_or_empty(site_id), named.device_id or _id_or_empty(device_id))


def _id_or_empty(text: str) -> str:
    return text if is_recorder_id(text) else ""
