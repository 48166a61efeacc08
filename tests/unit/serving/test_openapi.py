from __future__ import annotations

import json

from tests import fakes

from triage import workspace
from triage.serving import openapi
from triage.settings import Settings


def test_the_kept_document_is_what_the_app_says() -> None:
    kept = workspace.read_text("serving/openapi.json")
    made = openapi.document(fakes.app(Settings()))
    assert kept == made, "the API changed: python -m tests.contract.freeze writes the document"


def test_every_operation_documents_its_problems() -> None:
    document = json.loads(openapi.document(fakes.app(Settings())))
    for path, operations in document["paths"].items():
        for operation in operations.values():
            failures = {k: v for k, v in operation["responses"].items() if k >= "400"}
            assert failures or path in {"/livez", "/metrics"}
            assert all(set(f["content"]) == {"application/problem+json"} for f in failures.values())


def test_all_references_lead_somewhere() -> None:
    text = openapi.document(fakes.app(Settings()))
    schemas = json.loads(text)["components"]["schemas"]
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(schemas)
    assert "HTTPValidationError" not in schemas


def test_every_field_of_an_answer_on_risk_has_a_meaning() -> None:
    schemas = json.loads(openapi.document(fakes.app(Settings())))["components"]["schemas"]
    for name in ("Risk", "Delay", "Exposure", "DataQuality"):
        assert all("description" in field for field in schemas[name]["properties"].values())
    assert "millionths" in schemas["ScoreAnswer"]["properties"]["other_effect_pp"]["description"]
