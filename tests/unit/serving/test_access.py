"""Who may ask: by key, by scope, from where; and what who may not is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Send
from tests import fakes
from tests.unit.serving.bodies import JSON, STORED, assert_problem, beside
from typer.testing import CliRunner

from triage.cli import app as cli
from triage.errors import SettingsError
from triage.serving.access import rules as access_rules
from triage.serving.access.door import Access
from triage.serving.access.guard import FAILURES_AT_ONCE, Guard
from triage.serving.access.keys import SCOPES, Scope, issue, revoke
from triage.serving.access.keys_ring import LOOK_SECONDS
from triage.settings import Settings

NOW = 1_700_000_000_000_000
AWAY = "203.0.113.7"
BODY = json.dumps({"order_id": STORED}).encode()
Make = Callable[..., TestClient]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a way to ask a service of this home, from an address."""

    def made(address: str = "127.0.0.1", host: str = "localhost", **settings: Any) -> TestClient:
        chosen = Settings(home=tmp_path, **settings)
        return beside(
            fakes.app(chosen, guard=Guard(chosen)), address, base_url=f"http://{host}:8080"
        )

    return made


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def key(home: Path, *scopes: Scope, expires: int | None = None) -> str:
    return issue(home, "Ana", scopes, NOW, expires)[1]


def score(client: TestClient, headers: dict[str, str]) -> Any:
    return client.post("/v1/score", content=BODY, headers=JSON | headers)


def test_without_keys_whoever_sits_at_the_machine_may_do_everything(make: Make) -> None:
    client = make()
    assert score(client, {}).status_code == 200
    for path in ("/", "/v1/worklist", "/metrics", "/readyz", "/v1/models"):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_all_of_loopback_is_this_machine(make: Make, address: str) -> None:
    assert score(make(address), {}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.5", "::", "triage.example.com", ""])  # noqa: S104
def test_nothing_listens_beyond_this_machine_without_a_key(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="triage keys create"):
        Guard(Settings(home=tmp_path, host=host))


def test_the_command_refuses_before_it_loads_anything(tmp_path: Path) -> None:
    asked = ["serve", "--home", str(tmp_path), "--host", "0.0.0.0"]  # noqa: S104
    done = CliRunner().invoke(cli, asked)
    assert isinstance(done.exception, SettingsError)
    assert f"triage keys create NAME --scope worklist --scope score --home {tmp_path}" in str(
        done.exception
    )


def test_a_key_that_has_expired_does_not_allow_to_listen_further(tmp_path: Path) -> None:
    key(tmp_path, "score", expires=NOW + 1)
    expired = Settings(home=tmp_path, host="0.0.0.0")  # noqa: S104
    with pytest.raises(SettingsError, match="no key is in force"):
        Guard(expired)


def test_with_a_key_in_force_it_listens_further_and_needs_one(tmp_path: Path, make: Make) -> None:
    token = key(tmp_path, "score")
    Guard(Settings(home=tmp_path, host="0.0.0.0"))  # noqa: S104
    for address in ("127.0.0.1", AWAY):
        client = make(address, "triage.example.com")
        assert_problem(score(client, {}), 401)
        assert score(client, bearer(token)).status_code == 200
        assert score(client, {"x-api-key": token}).status_code == 200


def test_once_a_key_was_issued_all_need_one_even_when_none_is_left(
    tmp_path: Path, make: Make
) -> None:
    issued, _ = issue(tmp_path, "Ana", ["score"], NOW)
    revoke(tmp_path, issued.id, NOW)
    assert_problem(score(make(), {}), 401)


def test_loopback_stays_open_where_that_is_chosen(tmp_path: Path, make: Make) -> None:
    key(tmp_path, "score")
    assert score(make(open_loopback="always"), {}).status_code == 200
    assert_problem(score(make(AWAY, open_loopback="always"), {}), 401)
    relayed = {"x-forwarded-for": AWAY}
    assert_problem(score(make(open_loopback="always"), relayed), 401)


def test_loopback_is_closed_where_that_is_chosen(make: Make) -> None:
    assert_problem(score(make(open_loopback="never"), {}), 401)


def test_who_is_elsewhere_is_not_let_in_by_an_open_service(make: Make) -> None:
    assert_problem(score(make(AWAY), {}), 401)


@pytest.mark.parametrize("relay", ["forwarded", "via", "x-forwarded-for", "x-real-ip"])
def test_a_relay_on_this_machine_does_not_open_it_to_others(make: Make, relay: str) -> None:
    assert_problem(score(make(), {relay: AWAY}), 401)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.5", "x@[", ""])
def test_a_foreign_name_that_points_here_is_refused(make: Make, host: str) -> None:
    client = make()
    assert_problem(client.get("/v1/worklist", headers={"host": host}), 403)
    assert_problem(score(client, {"host": host}), 403)


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"},
     {"origin": "https://evil.example"}, {"origin": "http://localhost:9999"}],
)  # fmt: skip
def test_a_page_of_another_address_cannot_write(make: Make, headers: dict[str, str]) -> None:
    assert_problem(score(make(), headers), 403)
    own = {"origin": "http://localhost:8080", "sec-fetch-site": "same-origin"}
    assert score(make(), own).status_code == 200


def test_a_key_is_good_whatever_the_page_and_the_name(tmp_path: Path, make: Make) -> None:
    token = key(tmp_path, "score")
    headers = bearer(token) | {"host": "triage.example.com", "origin": "https://erp.example.com"}
    assert score(make(AWAY), headers).status_code == 200


def test_every_refusal_without_a_good_key_is_the_same(tmp_path: Path, make: Make) -> None:
    revoked, gone = issue(tmp_path, "Ana", ["score"], NOW)
    revoke(tmp_path, revoked.id, NOW)
    good = key(tmp_path, "score")
    client = make()
    sent = [
        {}, bearer(gone), bearer(key(tmp_path, "score", expires=NOW + 1)), bearer("secret"),
        bearer(good[:-1] + ("A" if good[-1] != "A" else "B")), {"authorization": "Basic c2VjcmV0"},
        {"x-api-key": "trk_000000000000_" + "A" * 43},
    ]  # fmt: skip
    answers = [score(client, headers) for headers in sent]
    told = [assert_problem(answer, 401, "secret") for answer in answers]
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="triage"'}
    assert all(problem | {"instance": ""} == told[0] | {"instance": ""} for problem in told)


MAY: dict[tuple[str, str], set[Scope]] = {
    ("POST", "/v1/score"): {"score"},
    ("POST", "/v1/score/batch"): {"score"},
    ("POST", "/v1/exceptions/classify"): {"score"},
    ("GET", "/v1/models"): {"score", "worklist"},
    ("GET", "/playbooks/x"): {"score", "worklist"},
    ("POST", "/v1/events"): {"events"},
    ("GET", "/v1/worklist"): {"worklist"},
    ("POST", f"/v1/worklist/{STORED}/actions"): {"worklist"},
    ("GET", f"/v1/worklist/{STORED}/history"): {"worklist"},
    ("GET", "/v1/decisions/x"): {"worklist"},
    ("GET", f"/v1/orders/{STORED}/timeline"): {"worklist"},
    ("GET", "/"): {"worklist"},
    ("GET", f"/orders/{STORED}"): {"worklist"},
    ("POST", "/you"): {"worklist"},
    ("GET", "/metrics"): {"metrics"},
    ("GET", "/v1/something-new"): set(),
    ("GET", "//v1/worklist"): {"worklist"},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_what_its_scope_says_and_nothing_else(
    tmp_path: Path, make: Make, scope: Scope
) -> None:
    client, headers = make(), bearer(key(tmp_path, scope))
    for (method, path), scopes in MAY.items():
        allowed = scope in scopes or scope == "admin"
        status = client.request(method, path, headers=headers).status_code
        assert (status == 403) is not allowed, (method, path, status)
        assert status != 401


def test_a_decision_is_read_by_every_key_of_the_list_and_by_no_other(tmp_path: Path) -> None:
    asks, lists, scores = (
        key(tmp_path, *may) for may in (("score", "worklist"), ("worklist",), ("score",))
    )
    chosen = Settings(home=tmp_path)
    with beside(fakes.app(chosen, folder=tmp_path, guard=Guard(chosen))) as client:
        said = score(client, bearer(asks)).json()
        path = f"/v1/decisions/{said['decision_id']}"
        assert client.get(path, headers=bearer(lists)).json()["answer"] == said
        assert_problem(client.get(path, headers=bearer(scores)), 403)
        assert_problem(client.get("/v1/decisions/nobody", headers=bearer(lists)), 404)


def test_every_address_has_been_thought_of() -> None:
    """A new address below /v1 needs admin until somebody decides who may use it."""
    paths = set(fakes.app(Settings()).openapi()["paths"])
    forgotten = {
        path for path in paths
        if path.startswith("/v1/") and access_rules.needed(path) == ("admin",)
    }  # fmt: skip
    assert len(paths) > 10
    assert not forgotten


def test_health_is_open(tmp_path: Path, make: Make) -> None:
    key(tmp_path, "score")
    client = make(AWAY, "triage.example.com")
    for path in ("/livez", "/readyz", "/openapi.json", "/static/triage.css"):
        assert client.get(path).status_code == 200, path


def test_what_is_refused_is_not_read(tmp_path: Path, make: Make) -> None:
    key(tmp_path, "score")

    def never() -> Iterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    assert_problem(make().post("/v1/events", content=never(), headers=JSON), 401)


def test_wrong_keys_are_slowed_down_and_the_right_one_is_not(tmp_path: Path, make: Make) -> None:
    token, client = key(tmp_path, "score"), make()
    told = [score(client, bearer(f"trk_{n:012x}_{'A' * 43}")) for n in range(FAILURES_AT_ONCE + 3)]
    assert [answer.status_code for answer in told] == [401] * FAILURES_AT_ONCE + [429] * 3
    assert_problem(told[-1], 429)
    assert 1 <= int(told[-1].headers["retry-after"]) <= 5
    assert score(client, bearer(token)).status_code == 200
    assert score(client, {}).status_code == 401, "who sends no key tries none"


def test_a_caller_that_asks_too_fast_is_told_when_to_come_back(tmp_path: Path, make: Make) -> None:
    one, other = key(tmp_path, "score"), key(tmp_path, "score")
    client = make(AWAY, rate_limit=1)
    told = [score(client, bearer(one)) for _ in range(6)]
    assert [answer.status_code for answer in told] == [200] * 4 + [429] * 2
    assert_problem(told[-1], 429)
    assert told[0].headers["ratelimit"] == '"caller";r=3;t=1'
    assert told[0].headers["ratelimit-policy"] == '"caller";q=4;w=4'
    assert told[-1].headers["retry-after"] == "1"
    assert score(client, bearer(other)).status_code == 200, "each caller has its own"


def test_on_this_machine_nobody_is_slowed_down_unless_that_is_asked_for(make: Make) -> None:
    client = make()
    answers = [client.get("/v1/models") for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers
    strict = make(rate_limit=1)
    assert {strict.get("/v1/models").status_code for _ in range(9)} == {200, 429}


def test_a_revoked_key_ends_within_seconds(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, token = issue(tmp_path, "Ana", ["score"], NOW)
    client = make()
    assert score(client, bearer(token)).status_code == 200
    revoke(tmp_path, issued.id, NOW)
    guard = next(m for m in client.app.user_middleware if "guard" in m.kwargs).kwargs["guard"]  # type: ignore[attr-defined]
    monkeypatch.setattr(guard.ring, "_next", -LOOK_SECONDS)
    assert_problem(score(client, bearer(token)), 401)


async def _answer_without_end(_: object, __: object, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"still here", "more_body": True})


def test_an_answer_without_end_ends_when_its_key_is_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, token = issue(tmp_path, "Ana", ["worklist"], NOW)
    guard = Guard(Settings(home=tmp_path))
    scope = {
        "type": "http", "method": "GET", "path": "/v1/stream", "client": ("127.0.0.1", 1),
        "headers": [(b"x-api-key", token.encode())],
    }  # fmt: skip
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(message)
        if len(heard) == 5:
            revoke(tmp_path, issued.id, NOW)
            monkeypatch.setattr(guard.ring, "_next", -LOOK_SECONDS)

    async def nothing() -> Any:
        return {"type": "http.disconnect"}

    asyncio.run(Access(_answer_without_end, guard)(scope, nothing, hear))
    assert len(heard) == 6
    assert heard[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
