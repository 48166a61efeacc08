from __future__ import annotations

from collections.abc import Sequence

from tests.histories import history_of, order

from triage.features.availability import FEW_ORDERS, RETURNING_CUSTOMERS, available


def named(customers: Sequence[str | None], channels: Sequence[str | None]) -> frozenset[str]:
    records = [
        order(f"A{n}", n, n + 50).model_copy(update={"customer_id": who, "channel": by})
        for n, (who, by) in enumerate(zip(customers, channels, strict=True))
    ]
    return available(history_of(records))


def test_a_code_that_is_the_same_for_every_order_is_no_source() -> None:
    assert "order.channel" in named(["a", "b", "c"], ["web", "phone", "web"])
    assert "order.channel" not in named(["a", "b", "c"], ["web", "web", "web"])


def test_customers_are_a_source_only_if_they_return() -> None:
    assert RETURNING_CUSTOMERS in named(["a", "a", "b", "a"], [None] * 4)
    assert RETURNING_CUSTOMERS not in named(["a", "b", "c", "d"], [None] * 4)
    assert RETURNING_CUSTOMERS not in named([None] * 4, [None] * 4)


def test_few_orders_a_month_are_told() -> None:
    assert FEW_ORDERS in named(["a"] * 20, [None] * 20)
    assert FEW_ORDERS not in named(["a"] * 600, [None] * 600)
