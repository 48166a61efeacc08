"""A temporary PostgreSQL server on a socket of its own; never as root, because it refuses that."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg

USER = "postgres"
SETTINGS = "-c listen_addresses='' -c max_connections=40 -c shared_buffers=16MB -c fsync=off"
"""Its processes are killed, not the machine: without flushing nothing is lost, and it is quick."""


def server_programs() -> Path | None:
    """The folder of the newest `initdb` on this machine."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else []
    found += [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found.sort(key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)
    return found[-1] if found else None


class Server:
    """Started when made; `stop` and `start` it at will."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="triage-pg-", dir="/tmp"))
        self._numbers = count(1)
        self._running = False
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", USER, "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self._running:
            options = f"{SETTINGS} -c unix_socket_directories={self.folder}"
            log = str(self.folder / "log")
            self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")
            self._running = True

    def stop(self, how: str = "immediate") -> None:
        """Stop it as a crash does (`immediate`) or in order (`fast`)."""
        if self._running:
            self._run("pg_ctl", "-D", self._data, "-w", "-m", how, "stop")
            self._running = False

    def new_database(self) -> str:
        """Make an empty database; returns its URL."""
        name = f"ledger{next(self._numbers)}"
        where = f"host={self.folder} user={USER} dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
