"""Backup and restore as the platform runs them, container by container, against servers of this machine.

Commands, arguments and variables are the committed renders', but for addresses, folders and secrets.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from delivery.render import Object
from delivery.rendered import Rendered
from tests.delivery.overlays import golden_objects
from tests.s3 import S3Server

POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
DATABASES = "postgresql://mlflow@postgres.silencio-platform.svc/postgres"
S3 = "http://s3.silencio-platform.svc:8333"
PASSWORD = "of-a-test-alone"
# Of the platform's S3: an account that reads, and nothing else.
READER = {
    "name": "backup",
    "credentials": [{"accessKey": "backup", "secretKey": "a-secret-of-backups"}],
    "actions": ["Read", "List"],
}
# As which the pods run; only root may become it.
_USER = 10001


def missing() -> str:
    """The programs that this machine lacks."""
    path = os.pathsep.join([os.environ["PATH"], str(POSTGRESQL)])
    return ", ".join(
        name for name in ("pg_dumpall", "psql", "rclone", "restic", "bash") if not shutil.which(name, path=path)
    )


def steps(render: str, owner: str) -> dict[str, Object]:
    """Containers of a job by their names, in the order in which they run."""
    (pod,) = (one for one in Rendered(golden_objects(render)).pods if one.owner == owner)
    return {str(one["name"]): one for one in pod.programs}


@dataclass(frozen=True)
class Jobs:
    """What the pods of backup and restore have.

    Attributes:
        folder: Takes the place of their volumes.
        databases: Address of PostgreSQL.
        s3: The platform's.
        backups: Where snapshots lie.
        repository: Its place there.
        password: Of PostgreSQL.
    """

    folder: Path
    databases: str
    s3: S3Server
    backups: S3Server
    repository: str
    password: str

    def __post_init__(self) -> None:
        for name in ("backup", "restored", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # Copied: a clone may lie where another user reads nothing.
        (self.folder / "bin").mkdir(exist_ok=True)
        for name in ("rclone", "restic"):
            shutil.copy(str(shutil.which(name)), self.folder / "bin" / name)
        if os.geteuid() == 0:
            self.folder.parent.chmod(0o711)
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, _USER, _USER)

    def back_up(self, *names: str, more: Sequence[str] = ()) -> None:
        """Run the containers of a backup, by default all of them.

        Args:
            names: Of the containers.
            more: Arguments beside theirs.
        """
        found = steps("platform", "CronJob backup")
        for name in names or found:
            self.run(found[name], *more)

    def restore(self) -> None:
        """Run the containers of a restore."""
        for one in steps("restore", "Job restore").values():
            self.run(one)

    def run(self, container: Object, *more: str) -> str:
        """Run one to its end.

        Returns:
            What it printed.
        """
        process = self.start(container, *more)
        printed, _ = process.communicate()
        assert process.returncode == 0, f"{container['name']}: {printed}"
        return printed

    def start(self, container: Object, *more: str) -> subprocess.Popen[str]:
        """Start one."""
        words = [*container["command"], *container["args"], *more]
        environment = {
            one["name"]: self._placed(one["value"]) if "value" in one else self._secret(one["valueFrom"])
            for one in container["env"]
        }
        # The databases' address is in the arguments of one and in the environment of the other.
        environment["PATH"] = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"], str(POSTGRESQL)])
        identity = {"user": _USER, "group": _USER, "extra_groups": []} if os.geteuid() == 0 else {}
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [self._placed(one) for one in words],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **identity,
        )

    def locks(self) -> list[str]:
        """Of the place of backups, by their names."""
        bucket, _, prefix = self.repository.partition("/")
        found = self.backups.client().list_objects(bucket, f"{prefix}/locks/", recursive=True)
        # The folder itself stays when they are gone.
        return [str(one.object_name) for one in found if not str(one.object_name).endswith("/")]

    def _placed(self, text: str) -> str:
        here = {
            "/restored/snapshot/backup/": f"{self.folder}/restored/snapshot{self.folder}/backup/",
            "/restored/snapshot": f"{self.folder}/restored/snapshot",
            "/backup/": f"{self.folder}/backup/",
            "/tmp": f"{self.folder}/tmp",
            DATABASES: self.databases,
            S3: f"http://{self.s3.endpoint}",
        }
        found = next((old for old in here if old in text), None)
        return text.replace(found, here[found]) if found else text

    def _secret(self, source: Object) -> str:
        name, key = source["secretKeyRef"]["name"], source["secretKeyRef"]["key"]
        reader = READER["credentials"][0]  # type: ignore[index]
        values = {
            "silencio-postgres": {"password": self.password},
            "silencio-backup": {
                "repository": f"s3:http://{self.backups.endpoint}/{self.repository}",
                "password": PASSWORD,
                "AWS_ACCESS_KEY_ID": self.backups.access_key,
                "AWS_SECRET_ACCESS_KEY": self.backups.secret_key,
                "s3_access_key": reader["accessKey"],
                "s3_secret_key": reader["secretKey"],
            },
            "silencio-restore": {"s3_access_key": self.s3.access_key, "s3_secret_key": self.s3.secret_key},
        }
        return values[name][key]


@contextmanager
def using(database: str) -> Iterator[None]:
    """Somebody is connected to a database."""
    address = f"{database}?application_name=somebody"
    process = subprocess.Popen([POSTGRESQL / "psql", "--no-psqlrc", address], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.communicate()


def run_psql(databases: str, statement: str) -> str:
    """Run a statement of SQL.

    Args:
        databases: Address of one of the server's.
        statement: Of SQL.

    Returns:
        Rows, one a line.
    """
    address = urlsplit(databases)
    command = [POSTGRESQL / "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    done = subprocess.run(
        [*command, f"--command={statement}", address.geturl()], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
