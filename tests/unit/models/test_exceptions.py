from __future__ import annotations

import math
from pathlib import Path

import hypothesis.strategies as st
import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from tests import exception_cases as cases
from tests.histories import history_of, moment, order, records

from triage.domain.clock import to_micros
from triage.domain.records import ExceptionEvent, ExceptionPhase, InventoryPosition, Order, Record
from triage.errors import BundleError
from triage.models.bundle import write_bundle
from triage.models.exceptions import NAME, ExceptionModel, mean_scores
from triage.models.exceptions_context import LogContext
from triage.models.exceptions_facts import NUMBERS
from triage.models.exceptions_text import Vocabulary, folded, runs, words

MODEL = cases.fitted().model


def number(history_records: list[Record], event: ExceptionEvent, name: str) -> float:
    facts = LogContext(history_of(history_records), "UTC").of(event)
    return float(facts.numbers[NUMBERS.index(name)])


def test_a_bundle_that_was_written_and_read_answers_bit_for_bit_the_same(tmp_path: Path) -> None:
    fit = cases.fitted()
    digest = write_bundle(tmp_path / "bundle", NAME, fit.files)
    read = ExceptionModel.load(tmp_path / "bundle", digest)
    rows = cases.rows()
    for event, facts in zip(rows.events[::7], rows.facts[::7], strict=True):
        a, b = fit.model.classify(event, facts), read.classify(event, facts)
        assert a.probabilities.tobytes() == b.probabilities.tobytes()
        assert (a.label, a.abstained, a.why) == (b.label, b.abstained, b.why)


def test_served_trees_give_what_lightgbm_gives() -> None:
    rows = cases.rows()
    files = cases.fitted().files
    boosters = [
        lightgbm.Booster(model_str=files[f"trees_{copy}.txt"].decode())
        for copy in range(MODEL.numbers.copies)
    ]
    assert len(boosters) > 1
    x = np.stack([MODEL.classify(rows.events[at], rows.facts[at]).row for at in range(0, 300, 5)])
    expected = np.mean([booster.predict(x, raw_score=True) for booster in boosters], axis=0)
    assert np.array_equal([mean_scores(MODEL.trees, row) for row in x], expected)


def test_a_bundle_without_one_of_its_files_is_refused() -> None:
    files = {k: v for k, v in cases.fitted().files.items() if k != "runs.txt"}
    with pytest.raises(BundleError, match=r"runs\.txt.*triage train exceptions"):
        ExceptionModel.of(files)


def test_probabilities_sum_to_one_and_most_are_right() -> None:
    rows = cases.rows()
    answers = [MODEL.classify(e, f) for e, f in zip(rows.events, rows.facts, strict=True)]
    assert all(math.isclose(a.probabilities.sum(), 1.0) for a in answers)
    said = [MODEL.numbers.classes[a.label] for a in answers]
    assert np.mean([a == b for a, b in zip(said, rows.labels, strict=True)]) > 0.95


@pytest.mark.parametrize(
    ("source", "text", "why"),
    [
        ("wms", None, "there is no message"),
        ("wms", "zxqv wrgl pfnord", "hardly a word of it"),
    ],
)
def test_without_words_to_rely_on_it_looks_at_the_order_alone_abstains_and_says_so(
    source: str, text: str | None, why: str
) -> None:
    event = cases.event("E1", 1.0, "O1", source, text)
    answer = MODEL.classify(event, cases.rows().facts[1])
    assert answer.abstained
    assert not answer.reads
    assert why in answer.why[0]
    other = MODEL.classify(cases.event("E1", 1.0, "O1", source, text), cases.rows().facts[1])
    assert answer.probabilities.tobytes() == other.probabilities.tobytes()


def test_a_source_never_seen_is_read_but_left_to_a_person() -> None:
    event = cases.event("E1", 1.0, "O1", "new_portal", "short pick bin 411")
    answer = MODEL.classify(event, cases.rows().facts[1])
    assert (answer.abstained, answer.reads, answer.familiar) == (True, True, False)
    assert MODEL.numbers.classes[answer.label] == "pick_short"
    assert "no message of this source" in answer.why[0]


def test_effects_of_words_and_facts_add_up_to_the_score_of_the_class() -> None:
    rows = cases.rows()
    for at in range(0, 60, 3):
        answer = MODEL.classify(rows.events[at], rows.facts[at])
        base, said, each = MODEL.effects(answer)
        score = mean_scores(MODEL.trees, answer.row)[answer.label]
        assert math.isclose(base + said + math.fsum(each.values()), score, abs_tol=1e-9)


@given(st.text(st.sampled_from("abck bin short credit 4 12\t,"), max_size=60))
def test_what_each_word_says_adds_up_to_the_opinion(text: str) -> None:
    said = folded(text)
    for label in range(len(MODEL.numbers.classes)):
        by_word = MODEL.text.by_word(said, label)
        opinion = MODEL.text.opinions(said, -1)[label]
        assert math.isclose(math.fsum(by_word.values()), opinion, abs_tol=1e-9)
        assert set(by_word) == set(said.split())


@given(st.text(max_size=80))
def test_folding_keeps_the_number_of_words_and_no_digit_but_zero(text: str) -> None:
    said = folded(text)
    assert len(said.split()) == len(text.split())
    assert not set(said) & set("123456789")
    assert folded(said) == said or not text.isascii()


def test_weights_of_a_message_have_length_one_and_unknown_terms_say_nothing() -> None:
    known = Vocabulary.fit([words("a b"), words("a c"), runs("ab")], least=1, most=100)
    columns, values = known.weigh(words("a b zzz"))
    assert math.isclose(float(np.square(values).sum()), 1.0)
    assert [known.terms[at] for at in columns] == ["a", "a b", "b"]
    assert len(known.weigh(words("zzz"))[0]) == 0


@settings(max_examples=25, deadline=None)
@given(records())
def test_a_later_record_changes_nothing_that_was_known_beside_an_exception(
    made: list[Record],
) -> None:
    raised = [r for r in made if isinstance(r, ExceptionEvent) and r.phase is ExceptionPhase.RAISED]
    everything = LogContext(history_of(made), "UTC")
    for event in raised:
        at = event.record_time
        then = [
            r for r in made
            if r.record_time < at or (isinstance(r, Order) and r.record_time <= at)
        ]  # fmt: skip
        own = LogContext(history_of(then), "UTC").of(event)
        found = everything.of(event)
        assert np.array_equal(own.numbers, found.numbers, equal_nan=True)
        assert own.categories == found.categories


def test_an_order_that_is_sent_whole_gives_the_facts_of_the_same_order_stored() -> None:
    history = cases.history()
    context = LogContext(history, "UTC")
    sent = next(x for x in history.order_objects() if x.order_id == "O8")
    event = cases.event("E-new", 40.0, "O8", "wms", "short pick")
    released = [r for r in cases.records() if r.record_id == "O8|pick_released"]
    stored, whole = context.of(event), context.of(event, context.sent(sent, released))  # type: ignore[arg-type]
    assert np.array_equal(stored.numbers, whole.numbers, equal_nan=True)
    assert stored.categories == whole.categories


def test_stock_is_that_of_the_last_count_known_before() -> None:
    def count(hours: float, pieces: float) -> InventoryPosition:
        return InventoryPosition(
            sku="S1", site="W1", event_time=moment(hours), record_time=moment(hours + 1),
            on_hand=pieces,
        )  # fmt: skip

    made: list[Record] = [order("O1", 0), count(0, 9), count(4, 1)]
    event = cases.event("E1", 5.0, "O1", "wms", "x")
    assert number(made, event, "spare_stock") == 7.0
    later = event.model_copy(update={"record_time": moment(5.1)})
    assert number(made, later, "spare_stock") == -1.0
    assert number(made, later, "lines_short") == 1.0


def test_a_price_is_held_against_the_contract_and_not_against_the_one_before() -> None:
    line = (
        order("O1", 0)
        .lines[0]
        .model_copy(
            update={"list_price": 20.0, "contract_price": 12.5, "former_contract_price": 10.0}
        )
    )
    made: list[Record] = [order("O1", 0, lines=(line,))]
    off = number(made, cases.event("E1", 5.0, "O1", "erp", "x"), "price_off")
    assert math.isclose(off, math.log(10.0 / 12.5))


def test_what_the_customer_had_before_counts_once_it_was_said() -> None:
    first = cases.event("E1", 1.0, "O1", "erp", "x")
    made: list[Record] = [
        order("O1", 0, customer_id="C"), order("O2", 0, customer_id="C"), first,
        cases.closing(first, 8.0, "credit_hold"),
    ]  # fmt: skip
    context = LogContext(history_of(made), "UTC")
    before, after = (
        context.of(cases.event("E2", hours, "O2", "erp", "x")).categories["customer_usual"]
        for hours in (8.0, 8.1)
    )
    assert (before, after) == (None, "credit_hold")
    assert to_micros(moment(8.1)) > to_micros(moment(8.0))
