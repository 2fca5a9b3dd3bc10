"""Settings under which `apt-get` needs no root, no earlier `apt-get update`, and leaves the system as it was."""

from __future__ import annotations

import re
from pathlib import Path

# Later releases of Debian carry other versions of the packages, in which some of the recordings changed or went.
DEBIAN_RELEASE = "bookworm"
_ROLLING_NAMES = ("stable", "testing", "unstable", "sid")
# Hooks that an image or a desktop sets for `apt-get update` would work on the system's own lists and caches; of the
# indexes only that of the packages is needed.
_CONFIG = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb-src;
#clear Acquire::IndexTargets::deb::Contents-deb;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;
#clear Acquire::IndexTargets::deb::DEP-11-icons-large;
"""


def private_apt_options(folder: Path) -> list[str]:
    """Make what apt writes to in a folder of its own.

    Args:
        folder: Folder of its lists, cache and settings.

    Returns:
        Arguments that follow `apt-get`.
    """
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    config = folder / "apt.conf"
    config.write_text(_CONFIG, encoding="utf-8")
    options = {
        "Dir::State": folder / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        # As root, apt would switch to a user who may not enter this folder.
        "APT::Sandbox::User": "root",
    }
    options |= release_sources(folder)
    return [f"--config-file={config}", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]


def release_sources(
    folder: Path, etc_apt: Path = Path("/etc/apt"), os_release: Path = Path("/etc/os-release")
) -> dict[str, Path | str]:
    """Copy the system's sources with `DEBIAN_RELEASE` in them, where the system is another release of Debian.

    Args:
        folder: Folder of the copies.
        etc_apt: The system's sources: `sources.list`, `sources.list.d/`.
        os_release: What system this is.

    Returns:
        Settings for apt; none where the system's own sources will do.
    """
    text = os_release.read_text(encoding="utf-8") if os_release.is_file() else ""
    facts = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, flags=re.MULTILINE))
    codename = facts.get("VERSION_CODENAME", "")
    if facts.get("ID") != "debian" or codename == DEBIAN_RELEASE:
        return {}
    copies = folder / "sources"
    copies.mkdir()
    # Only as a word of its own, perhaps with -updates or /updates behind it: not inside an address or a path.
    names = "|".join(re.escape(name) for name in (codename, *_ROLLING_NAMES) if name)
    suite = re.compile(rf"(?<=[ \t])(?:{names})(?=[\s/-]|$)")
    for path in (etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))):
        if path.is_file() and path.suffix in (".list", ".sources"):
            text = path.read_text(encoding="utf-8")
            (copies / path.name).write_text(suite.sub(DEBIAN_RELEASE, text), encoding="utf-8")
    return {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": copies}
