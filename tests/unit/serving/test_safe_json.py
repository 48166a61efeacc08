from __future__ import annotations

import json

import hypothesis.strategies as st
from hypothesis import given, settings
from pydantic import BaseModel

from triage.errors import TriageError
from triage.serving.safe_json import validated, validated_lines


class Kept(BaseModel):
    """Something small; what else is sent with it is not looked at."""

    id: str
    size: int = 0


GOOD = b'{"id": "a", "size": 1}'
LINES = [
    GOOD, b'{"id": "b"}', b'{"id": 1}', b'{"id": "a", "id": "b"}', b'{"id": "a", "size": NaN}',
    b'"', b'["', b"]", b'{"id": "a",', b'"size": 2}', b'{"id": "c"},{"id": "d"}', b"\xff",
    b'{"id": "e", ",": 1, ",": 2}', b'{"id": "\\ud800"}', b'{"size": ' + b"9" * 5_000 + b"}",
]  # fmt: skip


def told(read: object) -> tuple[str, str]:
    return type(read).__name__, str(read)


def alone(line: bytes) -> object:
    try:
        return validated(Kept, line)
    except TriageError as error:
        return error


@settings(max_examples=300)
@given(st.lists(st.sampled_from(LINES), max_size=6))
def test_lines_read_together_are_read_as_each_alone(lines: list[bytes]) -> None:
    assert [told(each) for each in validated_lines(Kept, lines)] == [
        told(alone(line)) for line in lines
    ]


def test_a_key_twice_is_not_hidden_behind_a_quote_of_the_line_before() -> None:
    lines = [b'"', b'{",":",",",":","}', b'"']
    assert len(json.loads(b"[" + b",".join(lines) + b"]")) == 5  # texts, to one parser
    assert [told(each) for each in validated_lines(Kept, lines)] == [
        told(alone(line)) for line in lines
    ]
