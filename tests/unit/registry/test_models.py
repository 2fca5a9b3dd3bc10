"""Versions, aliases, and the way back from the registry to a folder."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from silencio.__main__ import main
from silencio.bundle.load import Bundle
from silencio.bundle.manifest import BundleManifest
from silencio.cli.registry import print_versions
from silencio.console import Console
from silencio.errors import BundleIntegrityError, RegistryError
from silencio.interpreter import silencio
from silencio.registry.benchmarks import Benchmarks, MeasuredBundle
from silencio.registry.models import fetch, promote, register_version, set_benchmarks, version_number, versions
from silencio.registry.record import BUNDLE
from silencio.registry.runs import open_run
from silencio.storage import sha256_of
from tests.disks import disk_of
from tests.unit.registry.places import write_bench, write_bundle


@pytest.fixture
def manifest(bundle: Path) -> BundleManifest:
    return Bundle(bundle).manifest


def _registered(client: MlflowClient, manifest: BundleManifest, bundle: Path, version: str) -> int:
    """As `register` does it, in a run of its own."""
    run_id = open_run("train", "abc", "local", "")
    client.log_artifacts(run_id, str(bundle), BUNDLE)
    return register_version(client, run_id, manifest.model_copy(update={"version": version}))


def _aliases(client: MlflowClient) -> dict[str, int]:
    return {alias: int(number) for alias, number in client.get_registered_model("silencio").aliases.items()}


def test_register__the_latest_is_the_challenger(client: MlflowClient, manifest: BundleManifest, bundle: Path) -> None:
    assert [_registered(client, manifest, bundle, version) for version in ("b1", "b2")] == [1, 2]
    assert _aliases(client) == {"challenger": 2}
    tags = client.get_model_version("silencio", "1").tags
    assert tags["bundle_version"] == "b1"
    assert tags["spec_sha256"] == manifest.spec_sha256
    assert json.loads(tags["parents"])["data_fingerprint"] == manifest.parents["data_fingerprint"]
    assert {name: value for name, value in tags.items() if "/" in name} == {
        "test/macro_map": "0.81",
        "test/top1": "0.75",
    }


def test_register__model_and_version_are_described_for_people(
    client: MlflowClient, manifest: BundleManifest, bundle: Path
) -> None:
    # As a registry has it that is older than the description.
    client.create_registered_model("silencio")
    _registered(client, manifest, bundle, "b1")
    assert "`champion` serves" in client.get_registered_model("silencio").description
    description = client.get_model_version("silencio", "1").description
    for words in ("Bundle b1", manifest.heads[0].name, "top1 0.750", "macro_map 0.810", manifest.licences["verdict"]):
        assert words in description


def test_register__the_same_bundle_has_one_version_and_moves_no_alias(
    client: MlflowClient, manifest: BundleManifest, bundle: Path
) -> None:
    for version in ("b1", "b2"):
        _registered(client, manifest, bundle, version)
    promote(1, without_release="the first one")
    before = _aliases(client)
    assert _registered(client, manifest, bundle, "b1") == 1
    assert _registered(client, manifest, bundle, "b2") == 2
    assert len(versions()) == 2
    assert _aliases(client) == before


def test_register__ended_before_its_alias_was_set(client: MlflowClient, manifest: BundleManifest, bundle: Path) -> None:
    _registered(client, manifest, bundle, "b1")
    client.delete_registered_model_alias("silencio", "challenger")
    _registered(client, manifest, bundle, "b1")
    assert _aliases(client) == {"challenger": 1}


def test_promote__the_former_champion_becomes_previous(
    client: MlflowClient, manifest: BundleManifest, bundle: Path
) -> None:
    for version in ("b1", "b2", "b3"):
        _registered(client, manifest, bundle, version)
    promote(1, without_release="the first one")
    assert _aliases(client) == {"challenger": 3, "champion": 1}
    promote(3, without_release="the first one")
    assert _aliases(client) == {"champion": 3, "previous": 1}
    promote(3, without_release="the first one")
    assert _aliases(client) == {"champion": 3, "previous": 1}
    promote(1, without_release="the first one")  # back again
    assert _aliases(client) == {"champion": 1, "previous": 3}


def test_promote__by_alias_as_by_number(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for version in ("b1", "b2"):
        _registered(client, manifest, bundle, version)
    promote(1, without_release="the first one")
    main(["registry", "promote", "challenger", "--without-release", "seen by hand"])
    assert _aliases(client) == {"champion": 2, "previous": 1}
    main(["registry", "promote", "previous", "--without-release", "back again"])
    assert _aliases(client) == {"champion": 1, "previous": 2}
    main(["registry", "promote", "2", "--without-release", "forth again"])
    assert _aliases(client) == {"champion": 2, "previous": 1}
    assert capsys.readouterr().out.split("\n")[:2] == ["version 2 is the champion", "version 1 is the champion"]


def test_promote__an_alias_that_no_version_has_is_named(
    client: MlflowClient, manifest: BundleManifest, bundle: Path
) -> None:
    for n_versions in range(2):
        with pytest.raises(RegistryError, match=r"no version of silencio is called 'chalenger' at .*registry list"):
            version_number("chalenger")
        if not n_versions:
            _registered(client, manifest, bundle, "b1")
    assert _aliases(client) == {"challenger": 1}


def test_fetch__gives_the_very_bundle(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path
) -> None:
    assert fetch("champion", tmp_path / "none") is None
    _registered(client, manifest, bundle, "b1")
    assert fetch("champion", tmp_path / "none") is None
    assert not (tmp_path / "none").exists()
    promote(1, without_release="the first one")
    for name in ("champion", "1"):
        fetched = fetch(name, tmp_path / "got" / "bundle")
        assert fetched == tmp_path / "got" / "bundle"
        assert {p.name: sha256_of(p) for p in fetched.iterdir()} == {p.name: sha256_of(p) for p in bundle.iterdir()}
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["bundle"]


def test_fetch__to_a_link_to_another_disk_gives_it_there_as_often_as_one_likes(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path
) -> None:
    _registered(client, manifest, bundle, "b1")
    with disk_of("16m", tmp_path / "disk") as disk:
        (tmp_path / "got").symlink_to(disk / "got")
        for _ in range(2):
            assert fetch("1", tmp_path / "got") == tmp_path / "got"
            assert Bundle(disk / "got").manifest == manifest
            assert (tmp_path / "got").is_symlink() and [path.name for path in disk.iterdir()] == ["got"]


def test_fetch__a_folder_with_other_things_is_left_alone(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path
) -> None:
    _registered(client, manifest, bundle, "b1")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(RegistryError, match="holds other things than a bundle"):
        fetch("1", tmp_path / "home")
    assert (tmp_path / "home" / "letter.txt").exists()


def test_fetch__what_was_changed_in_the_store_is_not_handed_out(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path
) -> None:
    _registered(client, manifest, bundle, "b1")
    stored = Path(client.get_model_version("silencio", "1").source) / "model.onnx"
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx was changed"):
        fetch("1", tmp_path / "got")
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("b1", "(manifest_sha256 "),
        ("b2", "(bundle_version b2 there, b1 registered; manifest_sha256 "),
    ],
)
def test_fetch__another_bundle_in_the_store_is_not_handed_out(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path, version: str, shown: str
) -> None:
    _registered(client, manifest, bundle, "b1")
    other = write_bundle(tmp_path / "other", version, macro_map=0.99)
    Bundle(other).verify()  # nothing is wrong with it: it is another one
    stored = Path(client.get_model_version("silencio", "1").source)
    shutil.rmtree(stored)
    shutil.copytree(other, stored)
    fetched = write_bundle(tmp_path / "got", "b0")
    before = (fetched / "bundle.json").read_bytes()
    with pytest.raises(BundleIntegrityError, match="^the artifact store holds another bundle than version 1") as caught:
        fetch("1", fetched)
    assert shown in str(caught.value)
    assert (fetched / "bundle.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["got", "other", "tracking"]


def test_fetch__a_file_more_in_the_store_is_not_handed_out(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path
) -> None:
    _registered(client, manifest, bundle, "b1")
    (Path(client.get_model_version("silencio", "1").source) / "sitecustomize.py").write_text("print('here')")
    with pytest.raises(BundleIntegrityError, match=r"^sitecustomize\.py in .* is no file of the bundle"):
        fetch("1", tmp_path / "got")


def test_fetch__a_version_that_somebody_else_registered_has_no_bundle_to_hold_it_against(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path
) -> None:
    _registered(client, manifest, bundle, "b1")
    client.delete_model_version_tag("silencio", "1", "manifest_sha256")
    with pytest.raises(RegistryError, match="it was not registered by Silencio"):
        fetch("1", tmp_path / "got")


def test_fetch__brings_back_what_a_kill_left_before_it_looks(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path
) -> None:
    _registered(client, manifest, bundle, "b1")
    write_bundle(tmp_path / ".got.replaced", "b0")
    stored = Path(client.get_model_version("silencio", "1").source)
    (stored / "model.onnx").unlink()
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx is missing"):
        fetch("1", tmp_path / "got")
    assert Bundle(tmp_path / "got").manifest.version == "b0"


def test_register__started_again_with_other_figures_in_the_same_run_is_what_the_store_holds(
    client: MlflowClient, tmp_path: Path
) -> None:
    run_id = open_run("train", "abc", "local", "")
    for name, macro_map in (("first", 0.5), ("second", 0.6)):
        bundle = write_bundle(tmp_path / name, "b1", macro_map)
        client.log_artifacts(run_id, str(bundle), BUNDLE)
        assert register_version(client, run_id, Bundle(bundle).manifest) == 1
    assert fetch("1", tmp_path / "got") == tmp_path / "got"
    assert client.get_model_version("silencio", "1").tags["test/macro_map"] == "0.6"


def test_register__of_the_same_graph_by_another_run_keeps_what_was_registered(
    client: MlflowClient, bundle: Path, tmp_path: Path
) -> None:
    _registered(client, Bundle(bundle).manifest, bundle, "b1")
    other = write_bundle(tmp_path / "other", "b1", macro_map=0.6)
    assert _registered(client, Bundle(other).manifest, other, "b1") == 1
    fetch("1", tmp_path / "got")
    assert Bundle(tmp_path / "got").manifest.manifest_sha256 == Bundle(bundle).manifest.manifest_sha256


def test_benchmarks__are_on_the_version(client: MlflowClient, manifest: BundleManifest, bundle: Path) -> None:
    _registered(client, manifest, bundle, "b1")
    b1, b2 = (MeasuredBundle(version, manifest.manifest_sha256) for version in ("b1", "b2"))
    for machine, metrics in (("desk", {"p50_ms": 8.25, "size_bytes": 4_000_000}), ("field", {"p50_ms": 7.5})):
        # What was measured on another bundle in the same run is not this one's.
        measured = Benchmarks(Path("bench.json"), machine, {b1: metrics, b2: {"p50_ms": 1.0, "p95_ms": 2.0}}, 4)
        assert set_benchmarks(1, measured) == list(metrics)
    kept = {name: value for name, value in versions()[0].metrics.items() if name.startswith("benchmark/")}
    assert kept == {"benchmark/p50_ms": 7.5, "benchmark/size_bytes": 4_000_000.0}
    tags = client.get_model_version("silencio", "1").tags
    assert (tags["benchmark_machine/p50_ms"], tags["benchmark_machine/size_bytes"]) == ("field", "desk")


@pytest.mark.parametrize(("version", "sha256"), [("b2", None), ("b1", "3" * 64)])
def test_benchmarks__of_another_bundle_are_refused(
    version: str, sha256: str | None, client: MlflowClient, manifest: BundleManifest, bundle: Path
) -> None:
    _registered(client, manifest, bundle, "b1")
    other = MeasuredBundle(version, sha256 or manifest.manifest_sha256)
    with pytest.raises(RegistryError, match=rf"bench\.json was measured on bundle {version} .*, the version is .* b1 "):
        set_benchmarks(1, Benchmarks(Path("bench.json"), "desk", {other: {"p50_ms": 1.0}}, 1))
    assert not any(name.startswith("benchmark") for name in client.get_model_version("silencio", "1").tags)


def test_versions__the_latest_first(client: MlflowClient, manifest: BundleManifest, bundle: Path) -> None:
    assert versions() == []
    for version in ("b1", "b2"):
        _registered(client, manifest, bundle, version)
    promote(1, without_release="the first one")
    found = versions()
    assert [(v.number, v.bundle_version, v.aliases) for v in found] == [
        (2, "b2", ("challenger",)),
        (1, "b1", ("champion",)),
    ]
    assert found[0].metrics["test/macro_map"] == 0.81


NOTHING = Benchmarks(Path("bench.json"), "desk", {}, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: promote(9, without_release="the first one"),
        lambda: set_benchmarks(9, NOTHING),
        lambda: fetch("9", Path("x")),
    ],
)
def test_version__that_is_not_there(call, client: MlflowClient, manifest: BundleManifest, bundle: Path) -> None:
    _registered(client, manifest, bundle, "b1")
    with pytest.raises(RegistryError, match="silencio has no version 9: ") as refused:
        call()
    assert f"`{silencio()} registry list` names those it has" in str(refused.value)


def test_command__lists_promotes_and_fetches(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["registry", "list"]) == 0
    assert "silencio has no versions at sqlite:///" in capsys.readouterr().out
    _registered(client, manifest, bundle, "b1")
    assert main(["registry", "promote", "1", "--without-release", "the first one"]) == 0
    assert main(["registry", "list"]) == 0
    printed = capsys.readouterr().out
    assert "champion" in printed
    assert "0.810" in printed
    assert main(["registry", "fetch", "champion", "--out", str(tmp_path / "got")]) == 0
    assert (tmp_path / "got" / "bundle.json").is_file()


def test_command__lists_whole_names_through_a_pipe(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = "fc45f9d4fa12"
    _registered(client, manifest, bundle, version)
    assert main(["registry", "list"]) == 0
    table, _, runs = capsys.readouterr().out.partition("Runs: ")
    (registered,) = versions()
    row = next(line for line in table.splitlines() if version in line)
    for cell in ("challenger", f"{registered.registered:%Y-%m-%d %H:%M}", registered.run_id[:8], "0.810"):
        assert cell in row
    assert runs.strip().endswith("/#/experiments/1/runs")


def test_command__a_narrow_terminal_cuts_no_version(
    client: MlflowClient, manifest: BundleManifest, bundle: Path
) -> None:
    version = "fc45f9d4fa12"
    _registered(client, manifest, bundle, version)
    screen = io.StringIO()
    console = Console(file=screen)
    console.width = 60
    print_versions(console)
    assert version in screen.getvalue()


def test_command__figures_stand_beside_the_recordings_that_they_are_of(
    client: MlflowClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (part, n_recordings) in enumerate((("3f2a9c1b0d4e", 24), ("aa01bb02cc03", 30)), start=1):
        folder = write_bundle(tmp_path / part, f"b{number}", test_set=part, n_recordings=n_recordings)
        _registered(client, Bundle(folder).manifest, folder, f"b{number}")
        assert f"On {n_recordings} test recordings (test set {part})" in (
            client.get_model_version("silencio", str(number)).description
        )
    assert [(one.test_set, one.metrics["test/n_recordings"]) for one in versions()] == [
        ("aa01bb02cc03", 30),
        ("3f2a9c1b0d4e", 24),
    ]
    assert main(["registry", "list"]) == 0
    printed = capsys.readouterr().out
    for cells in (("b1", "24", "3f2a9c1b"), ("b2", "30", "aa01bb02")):
        assert any(all(f" {cell} " in line for cell in cells) for line in printed.splitlines())
    assert "Metrics of different test sets are of different recordings" in printed


def test_command__writes_a_benchs_figures(
    client: MlflowClient, manifest: BundleManifest, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _registered(client, manifest, bundle, "b1")
    b1 = MeasuredBundle("b1", manifest.manifest_sha256)
    file = write_bench(tmp_path / "bench.json", ("p95", 214.0, b1), ("growth, to 28,564 recordings", 1.04, None))
    assert main(["registry", "benchmarks", "1", str(file)]) == 0
    metrics = {name: value for name, value in versions()[0].metrics.items() if name.startswith("benchmark/")}
    assert metrics == {"benchmark/p95 _ms_": 214.0}
    printed = capsys.readouterr().out
    assert "1 figure stands on version 1, measured on AMD EPYC, 2 cores, 24 GiB, 2026-11-29 17:09 UTC" in printed
    assert "1 are of other bundles, of none, or no number: left out" in printed


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["registry", "benchmarks", "1", "nowhere.json"], "error: nowhere.json is no JSON of `make bench`"),
        (["registry", "promote", "1", "--without-release", "the first one"], "error: silencio has no version 1"),
        (["registry", "fetch", "champion", "--out", "x"], "error: no version of silencio is called 'champion'"),
    ],
)
def test_command__says_in_one_sentence_what_is_wrong(
    arguments: list[str], shown: str, client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(shown)
    assert printed.err.count("\n") == 1


def test_bundle__of_other_bytes_under_the_same_folder_is_replaced(
    client: MlflowClient, bundle: Path, tmp_path: Path
) -> None:
    other = write_bundle(tmp_path / "other", "b2", macro_map=0.1)
    _registered(client, Bundle(bundle).manifest, bundle, "b1")
    _registered(client, Bundle(other).manifest, other, "b2")
    for number in ("1", "2"):
        fetch(number, tmp_path / "got")
    assert Bundle(tmp_path / "got").manifest.version == "b2"
    shutil.rmtree(tmp_path / "got")
