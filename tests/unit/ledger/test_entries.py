"""Entries: packed and read back the same, hung on what came before by every part of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.ledger.entries import Draft, Entry, canonical, link, new_id, seal
from triage.ledger.errors import LedgerError
from triage.ledger.frame import from_frame, to_frame

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
)
DRAFTS = st.builds(
    Draft,
    kind=st.sampled_from(["decision", "note", "outcome"]),
    body=st.binary(max_size=300),
    order_id=st.none() | TEXT,
    personal=st.none() | st.binary(max_size=50),
    id=TEXT,
    at=st.integers(-(2**62), 2**62),
)


@given(DRAFTS, st.integers(1, 2**62))
@settings(max_examples=100, deadline=None)
def test_an_entry_comes_back_from_the_journal_as_it_was(draft: Draft, seq: int) -> None:
    draft.check()
    entry = seal(draft, seq, bytes(32), now=0)
    back = from_frame(to_frame(entry))

    assert back == entry
    assert back.body == draft.body
    assert back.personal == draft.personal
    assert back.rehash(bytes(32)) == entry.hash
    assert back.personal_matches()
    erased = from_frame(to_frame(entry.without_personal()))
    assert erased.personal is None
    assert erased.erased == (draft.personal is not None)
    assert erased.rehash(bytes(32)) == entry.hash


@given(DRAFTS, DRAFTS)
@settings(max_examples=100, deadline=None)
def test_entries_that_differ_in_anything_have_different_hashes(one: Draft, two: Draft) -> None:
    def hash_of(draft: Draft) -> bytes:
        digest = hashlib.sha256(draft.body).digest()
        personal = None if draft.personal is None else hashlib.sha256(draft.personal).digest()
        assert draft.at is not None
        return link(bytes(32), 1, draft.at, draft.kind, draft.id, draft.order_id, digest, personal)

    assert (hash_of(one) == hash_of(two)) == (one == two)


def test_text_cannot_slip_from_one_part_into_the_next() -> None:
    def hash_of(own: str, order: str | None) -> bytes:
        return link(bytes(32), 1, 0, "note", own, order, bytes(32), None)

    assert hash_of("ab", "c") != hash_of("a", "bc")
    assert hash_of("a", None) != hash_of("a", "")


@pytest.mark.parametrize(
    "change",
    [{"seq": 2}, {"at": 1}, {"kind": "note"}, {"id": "x"}, {"order_id": None},
     {"packed_body": b"\0{}"}, {"personal_digest": None}],
)  # fmt: skip
def test_every_part_is_under_the_hash(change: dict[str, object]) -> None:
    entry = seal(Draft("decision", b'{"n":1}', "SO-1", b"me", "id-1", 0), 1, bytes(32), 0)
    edited: Entry = replace(entry, **change)  # type: ignore[arg-type]

    assert edited.rehash(bytes(32)) != entry.hash
    assert entry.rehash(b"1" * 32) != entry.hash


def test_equal_personal_parts_have_different_digests_so_guessing_finds_none() -> None:
    one, two = (seal(Draft("note", b"{}", personal=b"Ann"), 1, bytes(32), 0) for _ in range(2))

    assert one.personal_digest != two.personal_digest
    assert one.personal_digest != hashlib.sha256(b"Ann").digest()


def test_neither_drafts_nor_entries_show_what_is_in_them_when_printed() -> None:
    draft = Draft("note", b"body-words", personal=b"personal-words")

    for shown in (repr(draft), repr(seal(draft, 1, bytes(32), 0))):
        assert "words" not in shown


@pytest.mark.parametrize(
    "draft",
    [
        Draft("gossip", b"{}"),  # type: ignore[arg-type]
        Draft("note", b"{}", id=""),
        Draft("note", b"{}", id="x" * 501),
        Draft("note", b"{}", order_id="a\0b"),
        Draft("note", b"{}", order_id="\ud800"),
        Draft("note", bytes(5 << 20)),
        Draft("note", b"{}", personal=bytes(5 << 20)),
        Draft("note", b"{}", at=2**63),
    ],
)
def test_what_could_not_be_kept_is_refused_before_it_is_written(draft: Draft) -> None:
    with pytest.raises(LedgerError):
        draft.check()


def test_canonical_json_is_the_same_for_equal_values_and_takes_no_nan() -> None:
    assert canonical({"b": 1, "a": [1.5, "ü"]}) == canonical({"a": [1.5, "ü"], "b": 1})
    assert canonical({"a": 1}) == b'{"a":1}'
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))


def test_ids_are_unique_uuids_of_version_7_that_sort_by_time() -> None:
    ids = [new_id() for _ in range(1_000)]

    assert len(set(ids)) == 1_000
    assert [i[:13] for i in ids] == sorted(i[:13] for i in ids)
    assert all(len(i) == 36 and i[14] == "7" and i[19] in "89ab" for i in ids)
