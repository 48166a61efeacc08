"""A corpus of hostile requests: no fault, no echo, no forged line of the log.

    python -m benchmarks.hostile [--size 100000] [--seed 1] [--json]

Requests are made by hypothesis from the examples of the API (fields replaced, removed, added, text
cut, junk put in, wrong content types, hostile headers), each with four whose body is changed in a
byte or cut, and sent in this process to every address that takes a body, pages included, behind all
middleware. Ends with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from tests import exception_cases, fakes
from tests.hostile import Sent, judging, posts, requests, variants

from triage.serving.access.guard import Guard
from triage.settings import Settings

_CHUNK = 2_000
_VARIANTS = 4
"""Bodies that are cut or changed in a byte, beside each that hypothesis makes."""
_SHOWN = 20


def run(size: int, number: int) -> dict[str, Any]:
    """Send so many requests; return what came of them.

    Args:
        size: how many.
        number: another one sends others.
    """
    wrong: Counter[str] = Counter()
    shown: list[str] = []
    sizes = 0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="triage-hostile-") as folder:
        chosen = Settings(home=Path(folder), log_requests="all", max_batch=20)
        app = fakes.app(chosen, exception_cases.desk(), Path(folder), guard=Guard(chosen))
        with judging(app) as judge:
            templates = posts(app)

            def ask(sent: Sent) -> None:
                nonlocal sizes
                for each in variants(sent, _VARIANTS):
                    sizes += len(each.body)
                    for finding in judge.ask(each):
                        wrong[f"{each.template}: {finding}"] += 1
                        if len(shown) < _SHOWN:
                            shown.append(f"{finding}: {str(each)[:500]}")

            sent, turn = 0, 0
            while (left := size - sent) > 0:
                examples = min(_CHUNK, -(-left // (1 + _VARIANTS)))
                _send(examples, number * 1_000_003 + turn, templates, ask)
                sent, turn = sent + examples * (1 + _VARIANTS), turn + 1
    return {
        "requests": judge.reached.total(),
        "statuses": dict(sorted(judge.statuses.items())),
        "addresses": dict(sorted(judge.reached.items())),
        "mean_body_bytes": round(sizes / max(1, judge.reached.total())),
        "wrong": dict(wrong),
        "shown": shown,
        "seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    """Send the corpus and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=100_000, help="how many requests")
    parser.add_argument("--seed", type=int, default=1, help="another seed sends others")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    told = run(asked.size, asked.seed)
    shown = told.pop("shown")
    print(json.dumps(told) if asked.json else json.dumps(told, indent=1))
    for each in shown:
        print(each, file=sys.stderr)
    sys.exit(bool(told["wrong"]))


def _send(size: int, number: int, templates: list[str], ask: object) -> None:
    """Let hypothesis make so many requests; in parts, since it remembers what it has made."""
    made = given(sent=requests(templates))(ask)  # type: ignore[arg-type]
    made = settings(
        max_examples=size, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(seed(number)(made))  # fmt: skip
    made()


if __name__ == "__main__":
    main()
