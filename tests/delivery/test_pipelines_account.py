"""The account `pipelines`, as clusters get it, may do in S3 what runs of KFP do there, and no more."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from serving.canary.steps import delivery_due
from serving.canary.steps.release_place import ReleasePlace
from silencio.errors import StorageError
from silencio.steps import package, record_delivery
from silencio.storage import list_objects, read_bytes, write_bytes
from tests.delivery.infrastructure.playbooks import FOLDER
from tests.s3 import S3Server, s3_of_its_own
from tests.serving.canary.delivered import sealed_bundle

ROLE = FOLDER / "roles" / "secrets" / "defaults" / "main.yml"
PACKAGES = "s3://silencio-bundles/packages"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    """The platform's buckets, asked by the account."""
    accounts = yaml.safe_load(ROLE.read_text(encoding="utf-8"))["secrets_s3_accounts"]
    (account,) = (one for one in accounts if one["name"] == "pipelines")
    key = {"accessKey": "pipelines", "secretKey": "a-secret-of-pipelines"}
    with s3_of_its_own({**account, "credentials": [key]}) as s3:
        for bucket in ("silencio-bundles", "silencio-predictions", "silencio-mlflow"):
            s3.client().make_bucket(bucket)
        for bucket in ("silencio-predictions", "silencio-mlflow", "recordings"):
            s3.client().put_object(bucket, "there", io.BytesIO(b"kept"), 4)
        yield S3Server(s3.endpoint, key["accessKey"], key["secretKey"])


@pytest.fixture(autouse=True)
def account(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.use(monkeypatch)


def test_delivery__is_packaged_and_noted(tmp_path: Path) -> None:
    champion, challenger = sealed_bundle(tmp_path / "champion"), sealed_bundle(tmp_path / "challenger", seed=1)
    place = package.run(package.Inputs(challenger, PACKAGES))
    assert place.startswith(f"{PACKAGES}/") and list_objects(place)
    record_delivery.run(record_delivery.Inputs(challenger, "r1", PACKAGES, place, "release-1"))
    inputs = delivery_due.Inputs(
        trigger=delivery_due.NEW,
        place="",
        champion=champion,
        challenger=challenger,
        recordings_version="r1",
        packages=PACKAGES,
        found=ReleasePlace(store=cast(Any, SimpleNamespace(load=lambda: None)), route=cast(Any, None)),
    )
    is_due = delivery_due.run(inputs, delivery_due.Outputs(tmp_path / "page"))
    assert not is_due and "release release-1" in (tmp_path / "page").read_text(encoding="utf-8")


@pytest.mark.parametrize("bucket", ["silencio-predictions", "recordings"])
def test_bucket__is_read_and_not_written(bucket: str) -> None:
    assert read_bytes(f"s3://{bucket}/there") == b"kept"
    assert f"s3://{bucket}/there" in [one.uri for one in list_objects(f"s3://{bucket}")]
    with pytest.raises(StorageError, match="AccessDenied"):
        write_bytes(f"s3://{bucket}/there", b"other")


def test_bucket__of_mlflow_is_closed() -> None:
    with pytest.raises(StorageError, match="AccessDenied"):
        read_bytes("s3://silencio-mlflow/there")
    with pytest.raises(StorageError, match="AccessDenied"):
        write_bytes("s3://silencio-mlflow/other", b"other")
