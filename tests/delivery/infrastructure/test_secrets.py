"""Secrets are generated once and kept: the role, played by Ansible with the real kubectl against an API server."""

from __future__ import annotations

import base64
import copy
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.given import SECRETS
from scripts.make_inventory import inventory_of
from serving.access.keys import digest_of, read_keys
from tests.delivery.infrastructure.api_server import SecretsApi, serving
from tests.delivery.infrastructure.playbooks import FOLDER, HAS_ANSIBLE, Played, play
from tests.delivery.overlays import NAMES, golden_objects

ROOT = Path(__file__).parents[3]
ROLE = FOLDER / "roles" / "secrets"
OUTPUTS = json.loads((Path(__file__).parent / "terraform_output.json").read_text(encoding="utf-8"))
PLATFORM, STAGING = "silencio-platform", "silencio-staging"
# An account in MLflow, which its administrator makes; a release does without. For as long as a backup is restored. The
# public half of a key that no cluster ever has.
_BY_HAND = {"silencio-release-settings", "silencio-restore", "silencio-bundle-key"}
_BACKUP = {"repository": "s3:https://s3.example.org/backups/silencio", "access_key": "K" * 20, "secret_key": "S" * 40}
_ALERTS = "https://chat.example.org/hooks/KEY"
needs_ansible = pytest.mark.skipif(not HAS_ANSIBLE or shutil.which("kubectl") is None, reason="no Ansible: make extras")


def _vars(name: str) -> Any:
    return yaml.safe_load((ROLE / name / "main.yml").read_text(encoding="utf-8"))


def _generated() -> dict[str, tuple[str, ...]]:
    """Secrets of the role, with their keys."""
    made = _vars("vars")
    listed = [one for of in ("platform", "monitoring", "environments") for one in made[f"secrets_of_{of}"]]
    return {one["name"]: tuple(one["values"]) for one in listed} | {"silencio-store": ("s3.json",)}


def _referenced(value: object, key: str = "") -> Iterator[str]:
    """Names of secrets in a manifest."""
    if isinstance(value, dict):
        if key in ("secretRef", "secretKeyRef"):
            yield value["name"]
        if value.get("kind") == "ServiceAccount":
            yield from (one["name"] for one in value.get("secrets", []))
        for name, inner in value.items():
            if name == "secretName" and isinstance(inner, str):
                yield inner
            yield from _referenced(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _referenced(inner, key)


def test_secrets__that_checks_take_for_given_are_all_generated_with_their_keys() -> None:
    generated = _generated()
    wanted = {name: keys for name, keys in SECRETS.items() if name not in _BY_HAND}
    assert {name: generated.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("name", NAMES)
def test_secrets__that_manifests_name_are_all_generated(name: str) -> None:
    named = {one for manifest in golden_objects(name) for one in _referenced(manifest)}
    assert named - _BY_HAND <= set(_generated())


def test_accounts__are_those_of_the_page() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = [{"name": one["name"], "actions": one["actions"]} for one in json.loads(text)["identities"]]
    assert _vars("defaults")["secrets_s3_accounts"] == shown


def test_values__are_given_to_no_process_as_an_argument() -> None:
    tasks = [task for path in sorted((ROLE / "tasks").glob("*.yml")) for task in yaml.safe_load(path.read_text())]
    commands = [
        json.dumps(task["ansible.builtin.command"]["argv"]) for task in tasks if "ansible.builtin.command" in task
    ]
    assert len(commands) == 5
    assert not [argv for argv in commands if re.search(r"secrets_(values|made|has|manifest|accounts|known)", argv)]


_ENVIRONMENTS = (STAGING, "silencio-north")


@dataclass(frozen=True)
class First:
    """The first run, of an empty cluster."""

    played: Played
    api: SecretsApi


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    api = SecretsApi()
    with serving(api):
        # With all that Ansible tells of itself.
        return First(_play(api, tmp_path_factory.mktemp("first"), "-vvv"), api)


@pytest.fixture
def api(first: First) -> Iterator[SecretsApi]:
    """A cluster after the first run."""
    api = SecretsApi(copy.deepcopy(first.api.namespaces), copy.deepcopy(first.api.secrets))
    with serving(api):
        yield api


def _play(api: SecretsApi, home: Path, *words: str, has_places: bool = True) -> Played:
    # Absolute: Ansible looks from its own folder.
    program = Path(shutil.which("kubectl") or "").absolute()
    kubectl = [str(program), f"--server=http://{api.address}", f"--cache-dir={home / 'kubectl'}"]
    variables = {"silencio_kubectl": kubectl, "silencio_environments": list(_ENVIRONMENTS)}
    if has_places:
        variables |= {
            "silencio_alerts_url": _ALERTS,
            **{f"silencio_backup_{name}": one for name, one in _BACKUP.items()},
        }
    return play("secrets.yml", inventory_of(OUTPUTS), variables, home, *words)


@needs_ansible
def test_secrets__are_all_made_by_the_first_run_and_none_is_printed(first: First) -> None:
    assert first.played.status == 0, first.played.text
    assert {name for _, name in first.api.secrets} >= set(SECRETS) - _BY_HAND
    for (_, name), secret in first.api.secrets.items():
        assert set(secret["data"]) == set((_generated() | {"silencio-first-key": ("key",)})[name])
    # Namespaces and secrets, and nothing else.
    n_objects = len(first.api.namespaces) + len(first.api.secrets)
    assert first.played.changed == {"node1": n_objects} == {"node1": len(first.api.writes)}
    # But for what was given; neither in clear nor as secrets have them.
    values = {value for place, name in first.api.secrets for value in first.api.values(place, name).values()}
    values -= {_ALERTS, "admin@silencio.internal", *_BACKUP.values()}
    values |= {base64.b64encode(value.encode()).decode() for value in values}
    assert not [value for value in values if value in first.played.text]


@needs_ansible
def test_secrets__are_kept_by_a_second_run(api: SecretsApi, tmp_path: Path) -> None:
    kept = copy.deepcopy(api.secrets)
    second = _play(api, tmp_path)
    assert (second.status, second.changed) == (0, {"node1": 0}), second.text
    assert (api.secrets, api.writes) == (kept, [])


@needs_ansible
def test_secrets__fit_each_other_and_what_reads_them(first: First, tmp_path: Path) -> None:
    api = first.api
    identities = json.loads(api.values(PLATFORM, "silencio-store")["s3.json"])["identities"]
    accounts = {one["name"]: one["credentials"][0] for one in identities}
    for place in _ENVIRONMENTS:
        bundles, log = api.values(place, "silencio-bundles"), api.values(place, "silencio-prediction-log")
        assert list(bundles.values()) == list(accounts["bundles"].values())
        assert list(log.values()) == list(accounts["predictions"].values())
        for name, account in (("silencio-drift-reader", "drift"), ("silencio-dashboard", "dashboard")):
            assert list(api.values(place, name).values()) == list(accounts[account].values())
        assert api.secrets[place, "silencio-bundles"]["metadata"]["annotations"] == {
            "serving.kserve.io/s3-endpoint": "s3.silencio-platform.svc:8333",
            "serving.kserve.io/s3-usehttps": "0",
        }
        # The server's own reader takes the file, and the key in clear is that of its line.
        (tmp_path / "keys").write_text(api.values(place, "silencio-keys")["keys"], encoding="utf-8")
        (key,) = read_keys(tmp_path / "keys")
        assert key.digest == digest_of(api.values(place, "silencio-first-key")["key"])
    mlflow = api.values(PLATFORM, "silencio-mlflow")
    assert [mlflow["AWS_ACCESS_KEY_ID"], mlflow["AWS_SECRET_ACCESS_KEY"]] == list(accounts["mlflow"].values())
    made = [mlflow["admin_password"], mlflow["flask_secret_key"], api.values(PLATFORM, "silencio-postgres")["password"]]
    made += [value for account in accounts.values() for value in account.values()]
    made += [api.values(place, "silencio-first-key")["key"] for place in _ENVIRONMENTS]
    # No value is another's.
    backup = api.values(PLATFORM, "silencio-backup")
    assert [backup["s3_access_key"], backup["s3_secret_key"]] == list(accounts["backup"].values())
    assert [backup[key] for key in ("repository", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")] == list(
        _BACKUP.values()
    )
    labels = api.values(PLATFORM, "silencio-label-studio")
    made += [backup["password"], labels["database_password"], labels["password"], labels["secret_key"]]
    made += [api.values("monitoring", "silencio-grafana")["admin_password"]]
    assert len(set(made)) == len(made) == 26
    assert min(map(len, made)) >= 20


@needs_ansible
def test_secrets__that_are_missing_are_made_and_no_other_is_touched(api: SecretsApi, tmp_path: Path) -> None:
    del api.secrets[STAGING, "silencio-bundles"]
    lost = api.secrets[PLATFORM, "silencio-mlflow"]["data"].pop("flask_secret_key")
    kept = copy.deepcopy(api.secrets)
    played = _play(api, tmp_path)
    assert (played.status, played.changed) == (0, {"node1": 2}), played.text
    assert api.writes == [
        ("PATCH", f"/api/v1/namespaces/{PLATFORM}/secrets/silencio-mlflow"),
        ("POST", f"/api/v1/namespaces/{STAGING}/secrets/silencio-bundles"),
    ]
    assert api.secrets[PLATFORM, "silencio-mlflow"]["data"].pop("flask_secret_key") != lost
    del api.secrets[STAGING, "silencio-bundles"]
    assert api.secrets == kept


@needs_ansible
def test_accounts__of_an_older_cluster_get_what_they_may_now_and_keep_their_keys(
    api: SecretsApi, tmp_path: Path
) -> None:
    now = json.loads(api.values(PLATFORM, "silencio-store")["s3.json"])
    older = copy.deepcopy(now)
    (pipelines,) = (one for one in older["identities"] if one["name"] == "pipelines")
    of_the_bucket = [one for one in pipelines["actions"] if one.endswith("silencio-drift")]
    kept = [one for one in pipelines["actions"] if one not in of_the_bucket]
    pipelines["actions"] = [*kept, "Read:reserve"]  # somebody let it read another bucket
    older["identities"].append({"name": "theirs", "actions": ["Read:theirs"], "credentials": [{"accessKey": "a"}]})
    data = api.secrets[PLATFORM, "silencio-store"]["data"]
    data["s3.json"] = base64.b64encode(json.dumps(older).encode()).decode()
    played = _play(api, tmp_path)
    assert (played.status, played.changed) == (0, {"node1": 1}), played.text
    found = json.loads(api.values(PLATFORM, "silencio-store")["s3.json"])["identities"]
    pipelines["actions"] += sorted(of_the_bucket)
    assert len(of_the_bucket) == 3 and found == older["identities"]
    again = _play(api, tmp_path)
    assert (again.status, again.changed) == (0, {"node1": 0}), again.text


@needs_ansible
def test_secrets__of_a_store_that_was_lost_are_told(api: SecretsApi, tmp_path: Path) -> None:
    del api.secrets[PLATFORM, "silencio-store"]
    played = _play(api, tmp_path)
    assert played.status != 0
    told = " ".join(played.text.split())
    assert f"The secret {PLATFORM}/silencio-mlflow has an account that {PLATFORM}/silencio-store has not" in told


@needs_ansible
def test_check_mode__writes_nothing_and_without_a_place_of_backups_and_alerts_their_secrets_are_left_out(
    tmp_path: Path,
) -> None:
    empty = SecretsApi()
    with serving(empty):
        played = _play(empty, tmp_path, "--check", "-v", has_places=False)
    assert (played.status, empty.writes, empty.secrets) == (0, [], {}), played.text
    assert "silencio-mlflow" in played.text
    told = played.text.partition("Secrets of the platform")[2].partition("Secrets of each")[0]
    assert "silencio-grafana" in told
    assert not [name for name in ("silencio-backup", "silencio-alertmanager") if name in told]
