"""How much memory an import may take before it goes to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage.history import session
from triage.history.session import Connection, connect, one

GB = 1 << 30


def limit(connection: Connection) -> int:
    return int(
        str(one(connection, "SELECT parse_formatted_bytes(current_setting('memory_limit'))")[0])
    )


@pytest.mark.parametrize(
    ("usual", "allowed"),
    [
        ("0 bytes", GB // 2), ("976.5 MiB", GB // 2), ("8.0 GiB", 2 * GB), ("18.8 GiB", 4 * GB),
        ("16383.9 PiB", 4 * GB),
    ],
)  # fmt: skip
def test_a_session_takes_a_quarter_of_the_usual_memory_between_half_a_gigabyte_and_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual: str, allowed: int
) -> None:
    real = session.one

    def machine(connection: Connection, sql: str, *values: object) -> tuple[object, ...]:
        return (usual,) if "memory_limit" in sql else real(connection, sql, *values)

    monkeypatch.setattr(session, "one", machine)
    with connect(tmp_path) as connection:
        assert abs(limit(connection) - allowed) < 0.1 * GB


def test_without_a_scratch_folder_a_session_keeps_the_usual_limit(tmp_path: Path) -> None:
    with connect() as usual, connect(tmp_path) as bounded:
        assert limit(bounded) < limit(usual)
