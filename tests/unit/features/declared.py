"""Declarations for tests: one feature of each kind over every kind of stream."""

from __future__ import annotations

from typing import Any

from triage.features.compile import FeatureSet, compile_features
from triage.features.declarations import Declarations, Family, parse

WORDS = {"meaning": "a test", "unit": "n", "phrase": "a test of {value}", "concept": "test"}
BASE: dict[str, Any] = {
    "keys": {
        "all": {"fields": (), "place": "everywhere"},
        "site": {"fields": ("site",), "place": "this site"},
        "lane": {"fields": ("site_region", "destination_region"), "place": "this lane",
                 "parent": "all"},
        "stock": {"fields": ("site", "sku"), "place": "here"},
        "scarce": {"fields": ("site", "sku"), "place": "there", "least": ("stock", "free")},
        "own": {"fields": ("order_id",), "place": "its own"},
        "item": {"fields": ("sku",), "place": "of this product"},
    },
    "streams": {
        "orders": {"kind": "event", "at": "order_created", "meaning": "orders placed",
                   "values": {"cents": {"number": "value", "per": 100}}},
        "dispatches": {"kind": "event", "at": "shipment_dispatched", "meaning": "dispatched",
                       "values": {"handling": {"minutes": ["order_created", "shipment_dispatched"]},
                                  "overdue": {"after": ["due_by", "shipment_dispatched"]}}},
        "deliveries": {"kind": "event", "at": "delivered", "meaning": "delivered",
                       "values": {"lead": {"log_days": ["starts_at", "delivered"]}}},
        "arrivals": {"kind": "event", "at": "delivered", "meaning": "by working days on the road",
                     "values": {"road": {"workdays": ["shipment_dispatched", "delivered"]}}},
        "outcomes": {"kind": "outcome", "meaning": "outcomes", "values": {"late": {"late": True}}},
        "waiting": {"kind": "interval", "at": "order_created", "ends": "shipment_dispatched",
                    "max_age_days": 5, "meaning": "not dispatched",
                    "values": {"lines": {"number": "line_count"}}},
        "aged": {"kind": "interval", "at": "starts_at", "ends": "shipment_dispatched",
                 "min_age_hours": 24, "max_age_days": 5, "meaning": "not dispatched for a day"},
        "overdue": {"kind": "interval", "at": "promised_by", "ends": "delivered",
                    "max_age_days": 3, "meaning": "past promise"},
        "checks": {"kind": "checkpoint", "at": "starts_at", "ends": "delivered",
                   "min_age_hours": 48, "meaning": "after two days",
                   "values": {"open": {"open": True}}},
        "half": {"kind": "checkpoint", "at": "order_created", "ends": "delivered",
                 "share_of_promise": 0.5, "meaning": "half way",
                 "values": {"open": {"open": True}}},
        "stock": {"kind": "position", "meaning": "stock",
                  "values": {"free": {"available": True}, "empty": {"number": "out_of_stock"}}},
        "lines": {"kind": "event", "of": "line", "at": "line_ordered", "meaning": "lines",
                  "values": {"units": {"number": "line_quantity", "per": 1000}}},
        "unserved": {"kind": "interval", "of": "line", "at": "line_ready", "ends": "line_allocated",
                     "max_age_days": 9, "meaning": "lines that wait for stock",
                     "values": {"units": {"number": "line_quantity", "per": 1000}}},
        "served": {"kind": "event", "of": "line", "at": "line_allocated", "meaning": "lines served",
                   "values": {"units": {"number": "line_quantity", "per": 1000}}},
        "unready": {"kind": "interval", "at": "ready_at", "ends": "allocation_confirmed",
                    "max_age_days": 9, "meaning": "wait for stock"},
        "entered": {"kind": "event", "at": "order_recorded", "meaning": "recorded",
                    "values": {"delay": {"minutes": ["order_created", "order_recorded"]}}},
        "troubles": {"kind": "event", "of": "exception", "at": "exception_raised",
                     "meaning": "exceptions"},
        "solved": {"kind": "event", "of": "exception", "at": "exception_resolved",
                   "meaning": "resolved", "values": {
                       "taken": {"log_days": ["exception_raised", "exception_resolved"]}}},
        "troubled": {"kind": "interval", "of": "exception", "at": "exception_raised",
                     "ends": "exception_resolved", "max_age_days": 4, "meaning": "open"},
        "inbound": {"kind": "interval", "of": "supply", "at": "supply_ordered",
                    "ends": "supply_received", "max_age_days": 8, "meaning": "on their way",
                    "values": {"units": {"number": "supply_quantity", "per": 1000}}},
        "due": {"kind": "interval", "of": "supply", "at": "supply_expected",
                "ends": "supply_received", "min_age_hours": -48, "max_age_days": 8,
                "meaning": "due", "values": {"units": {"number": "supply_quantity", "per": 1000}}},
        "receipts": {"kind": "event", "of": "supply", "at": "supply_received",
                     "meaning": "received", "values": {
                         "late": {"after": ["supply_expected", "supply_received"]},
                         "units": {"number": "supply_quantity", "per": 1000}}},
    },
}  # fmt: skip
FEATURES: list[dict[str, Any]] = [
    {"name": "value", "row": "number", "of": ["value"]},
    {"name": "promise", "row": "hours_until", "of": ["promised_by"]},
    {"name": "waited", "row": "hours_since", "of": ["order_created"]},
    {"name": "handling", "row": "hours_between", "of": ["order_created", "shipment_dispatched"]},
    {"name": "hour", "row": "hour_of_day"},
    {"name": "workdays", "row": "workdays_until", "of": ["promised_by"]},
    {"name": "n", "stream": "orders", "keys": ["site"], "aggregate": "count", "days": [1, 3]},
    {"name": "sum", "stream": "orders", "keys": ["all"], "aggregate": "sum", "value": "cents",
     "days": [3]},
    {"name": "late_all", "stream": "outcomes", "keys": ["all"], "aggregate": "mean",
     "value": "late", "days": [7]},
    {"name": "late_lane", "stream": "outcomes", "keys": ["lane"], "aggregate": "mean",
     "value": "late", "days": [7], "parent": "late_{parent}", "weight": 3},
    {"name": "lead", "stream": "deliveries", "keys": ["lane"], "aggregate": "mean", "value": "lead",
     "days": [7], "scale": 0.0001},
    {"name": "handled", "stream": "dispatches", "keys": ["site"], "aggregate": "mean",
     "value": "handling", "days": [3]},
    {"name": "missed", "stream": "dispatches", "keys": ["all"], "aggregate": "mean",
     "value": "overdue", "days": [3]},
    {"name": "since", "stream": "dispatches", "keys": ["site"], "aggregate": "since_last"},
    {"name": "open", "stream": "waiting", "keys": ["site"], "aggregate": "level"},
    {"name": "open_lines", "stream": "waiting", "keys": ["site"], "aggregate": "level",
     "value": "lines"},
    {"name": "road", "stream": "arrivals", "keys": ["all"], "aggregate": "mean", "value": "road",
     "days": [9]},
    {"name": "to_ship", "row": "hours_until", "of": ["due_by"]},
    {"name": "planned", "row": "workdays_between", "of": ["due_by", "promised_by"]},
    {"name": "aged", "stream": "aged", "keys": ["site"], "aggregate": "level"},
    {"name": "overdue", "stream": "overdue", "keys": ["all"], "aggregate": "level"},
    {"name": "checked", "stream": "checks", "keys": ["all"], "aggregate": "mean", "value": "open",
     "days": [3]},
    {"name": "half", "stream": "half", "keys": ["lane"], "aggregate": "mean", "value": "open",
     "days": [3]},
    {"name": "free", "stream": "stock", "keys": ["stock"], "aggregate": "last", "value": "free"},
    {"name": "empty", "stream": "stock", "keys": ["scarce"], "aggregate": "mean", "value": "empty",
     "days": [5]},
    {"name": "scarce", "stream": "stock", "keys": ["scarce"], "aggregate": "last", "value": "free"},
    {"name": "scarce_units", "row": "scarce_quantity"},
    {"name": "units", "stream": "lines", "keys": ["scarce"], "aggregate": "sum", "value": "units",
     "days": [3], "scale": 0.001},
    {"name": "item_units", "stream": "lines", "keys": ["item"], "aggregate": "mean",
     "value": "units", "days": [3]},
    {"name": "unready", "stream": "unready", "keys": ["site"], "aggregate": "level"},
    {"name": "since_ready", "row": "log_days_since", "of": ["ready_at"]},
    {"name": "readied", "row": "log_days_between", "of": ["ready_at", "allocation_confirmed"]},
    {"name": "delay", "stream": "entered", "keys": ["site"], "aggregate": "mean", "value": "delay",
     "days": [3]},
    {"name": "troubles_{key}", "stream": "troubles", "keys": ["all", "site"], "aggregate": "count",
     "days": [3]},
    {"name": "my_troubles", "stream": "troubles", "keys": ["own"], "aggregate": "count",
     "days": [30], "without": 0},
    {"name": "my_open", "stream": "troubled", "keys": ["own"], "aggregate": "level", "without": 0},
    {"name": "my_last", "stream": "troubles", "keys": ["own"], "aggregate": "since_last"},
    {"name": "troubled", "stream": "troubled", "keys": ["site"], "aggregate": "level"},
    {"name": "solved", "stream": "solved", "keys": ["site"], "aggregate": "mean", "value": "taken",
     "days": [5]},
    {"name": "inbound", "stream": "inbound", "keys": ["scarce"], "aggregate": "level",
     "value": "units", "scale": 0.001},
    {"name": "due", "stream": "due", "keys": ["item"], "aggregate": "level", "value": "units",
     "scale": 0.001},
    {"name": "received_late", "stream": "receipts", "keys": ["all"], "aggregate": "mean",
     "value": "late", "days": [6]},
    {"name": "unserved", "stream": "unserved", "keys": ["scarce"], "aggregate": "level",
     "value": "units", "scale": 0.001, "without": 0},
    {"name": "unserved_item", "stream": "unserved", "keys": ["item"], "aggregate": "level"},
    {"name": "served_since", "stream": "served", "keys": ["scarce"], "aggregate": "sum",
     "value": "units", "scale": 0.001, "since": "stock", "without": 0},
    {"name": "received_since", "stream": "receipts", "keys": ["stock"], "aggregate": "sum",
     "value": "units", "scale": 0.001, "since": "stock", "without": 0},
    {"name": "receipts_since", "stream": "receipts", "keys": ["scarce"], "aggregate": "count",
     "since": "stock", "without": 0},
    {"name": "there", "derive": "total", "of": ["free", "received_since"]},
    {"name": "slack", "derive": "difference", "of": ["promise", "lead_7d"]},
    {"name": "load", "derive": "ratio", "of": ["open", "n_3d"], "plus": [1, 1]},
]  # fmt: skip


def declarations(features: list[dict[str, Any]] | None = None) -> Declarations:
    """Return the test declarations as one family."""
    head = {"name": "test", "title": "Test", "owner": "tests"}
    given = FEATURES if features is None else features
    family = Family.model_validate(
        {"family": head, "concept": {"test": {"title": "Test", "owner": "tests"}},
         "feature": [WORDS | feature for feature in given]}
    )  # fmt: skip
    return parse(BASE, (family,))


def feature_set(features: list[dict[str, Any]] | None = None) -> FeatureSet:
    """Return the test declarations compiled."""
    return compile_features(declarations(features), ())
