"""People sign in with a key, work under its name, and sign out."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import STORED, assert_problem, beside

from triage.serving.access.guard import FAILURES_AT_ONCE, Guard
from triage.serving.access.keys import Scope, issue, revoke
from triage.serving.access.keys_ring import KeyRing
from triage.serving.access.sessions import COOKIE, SECONDS, Sessions
from triage.settings import Settings

NOW = 1_700_000_000_000_000
HTML = {"accept": "text/html,application/xhtml+xml"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
OWN = FORM | {"sec-fetch-site": "same-origin"}


def visit(home: Path, host: str = "localhost:8080", scheme: str = "http") -> TestClient:
    settings = Settings(home=home)
    app = fakes.app(settings, folder=home, guard=Guard(settings))
    made = beside(app, base_url=f"{scheme}://{host}")
    made.follow_redirects = False
    return made


def key(home: Path, *scopes: Scope, name: str = "Ana") -> str:
    return issue(home, name, scopes, NOW)[1]


def sign_in(client: TestClient, token: str, back: str = "/") -> object:
    return client.post("/sign-in", data={"key": token, "next": back}, headers=OWN)


def test_a_browser_is_sent_to_sign_in_and_back_to_where_it_was_going(tmp_path: Path) -> None:
    token, client = key(tmp_path, "worklist"), visit(tmp_path)
    sent = client.get("/?q=a&band=high", headers=HTML)
    assert sent.status_code == 303
    where = urlsplit(sent.headers["location"])
    assert where.path == "/sign-in"
    assert parse_qs(where.query)["next"] == ["/?q=a&band=high"]
    assert 'value="/?q=a&amp;band=high"' in client.get(sent.headers["location"]).text
    done = client.post("/sign-in", data={"key": token, "next": "/?q=a&band=high"}, headers=OWN)
    assert (done.status_code, done.headers["location"]) == (303, "/?q=a&band=high")
    assert client.get("/?q=a&band=high", headers=HTML).status_code == 200
    assert client.get("/v1/worklist").status_code == 200


def test_a_link_from_elsewhere_finds_who_is_signed_in(tmp_path: Path) -> None:
    """A browser keeps a strict cookie back on the way from another site, not on the next."""
    key(tmp_path, "worklist")
    client = visit(tmp_path)
    from_elsewhere = HTML | {"sec-fetch-site": "cross-site"}
    answer = client.get("/orders/a%22b?x=%22%3E%3Cscript", headers=from_elsewhere)
    assert answer.status_code == 200
    assert 'content="0;url=/orders/a%22b?x=%22%3E%3Cscript"' in answer.text
    again = client.get("/orders/a", headers=HTML | {"sec-fetch-site": "same-origin"})
    assert again.headers["location"].startswith("/sign-in")
    raw = client.get("http://localhost:8080//evil.example/", headers=from_elsewhere)
    assert "url=/evil.example/" in raw.text


def test_who_is_no_browser_gets_a_problem(tmp_path: Path) -> None:
    key(tmp_path, "worklist")
    assert_problem(visit(tmp_path).get("/"), 401)
    assert_problem(visit(tmp_path).get("/v1/worklist", headers=HTML), 401)


@pytest.mark.parametrize(
    ("host", "secure"), [("localhost:8080", False), ("triage.example.com", True)]
)
def test_the_cookie_is_out_of_reach_of_scripts_and_other_pages(
    tmp_path: Path, host: str, secure: bool
) -> None:
    token = key(tmp_path, "worklist")
    client = visit(tmp_path, host, "https" if secure else "http")
    done = client.post("/sign-in", data={"key": token}, headers=OWN)
    cookie = done.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=strict", f"Max-Age={SECONDS}", "Path=/"):
        assert part in cookie
    assert ("Secure" in cookie) is secure
    assert token not in cookie
    assert done.headers["cache-control"] == "no-store"


def test_who_cannot_stay_signed_in_is_told_why(tmp_path: Path) -> None:
    key(tmp_path, "worklist")
    assert "https" in visit(tmp_path, "triage.example.com").get("/sign-in").text
    assert "https" not in visit(tmp_path).get("/sign-in").text


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil",
        "",
        "/a\r\nX: y",
        "/\\/e",
    ],
)
def test_signing_in_leads_nowhere_else(tmp_path: Path, address: str) -> None:
    token, client = key(tmp_path, "worklist"), visit(tmp_path)
    done = client.post("/sign-in", data={"key": token, "next": address}, headers=OWN)
    assert done.headers["location"] == "/"
    assert "evil" not in client.get("/sign-in", params={"next": address}).text


def test_a_wrong_key_and_one_that_is_not_for_people_are_refused_alike(tmp_path: Path) -> None:
    client = visit(tmp_path)
    told = [
        client.post("/sign-in", data={"key": token}, headers=OWN)
        for token in (key(tmp_path, "score", "events"), "trk_secret")
    ]
    assert [answer.status_code for answer in told] == [401, 401]
    assert told[0].text == told[1].text
    assert "secret" not in told[1].text
    assert "set-cookie" not in told[0].headers


def test_guessing_at_the_form_is_slowed_down(tmp_path: Path) -> None:
    token, client = key(tmp_path, "worklist"), visit(tmp_path)
    told = [
        client.post("/sign-in", data={"key": str(n)}, headers=OWN).status_code
        for n in range(FAILURES_AT_ONCE + 1)
    ]
    assert told == [401] * FAILURES_AT_ONCE + [429]
    assert client.post("/sign-in", data={"key": token}, headers=OWN).status_code == 303


def test_a_foreign_page_can_neither_sign_in_nor_out_nor_act(tmp_path: Path) -> None:
    token, client = key(tmp_path, "worklist"), visit(tmp_path)
    foreign = FORM | {"sec-fetch-site": "cross-site"}
    assert_problem(client.post("/sign-in", data={"key": token}, headers=foreign), 403)
    sign_in(client, token)
    assert_problem(client.post("/sign-out", headers=foreign), 403)
    near = {"origin": "http://localhost:9999"}
    act = {"action": "assign", "by": "Eve"}
    path = f"/v1/worklist/{STORED}/actions"
    assert_problem(client.post(path, json=act, headers=near), 403)
    assert client.get("/", headers=HTML).status_code == 200


def test_people_act_under_the_name_of_their_key(tmp_path: Path) -> None:
    token = key(tmp_path, "worklist", name="Ana García")
    with visit(tmp_path) as client:
        client.cookies.set("triage_you", "Somebody%20else")
        sign_in(client, token)
        page = client.get(f"/orders/{STORED}", headers=HTML).text
        assert "Ana García" in page
        assert 'action="/sign-out"' in page
        done = client.post(
            f"/orders/{STORED}", data={"do": "note", "text": "called", "after": ""},
            headers=OWN,
        )  # fmt: skip
        assert done.status_code == 303, done.text
        told = client.get(f"/v1/worklist/{STORED}/history").json()["entries"]
        assert [entry["by"] for entry in told] == ["Ana García"]


def test_an_open_service_has_nobody_to_sign_out(tmp_path: Path) -> None:
    assert "/sign-out" not in visit(tmp_path).get("/", headers=HTML).text


def test_who_signed_out_has_to_sign_in_again_even_with_a_kept_cookie(tmp_path: Path) -> None:
    token, client = key(tmp_path, "worklist"), visit(tmp_path)
    sign_in(client, token)
    kept = client.cookies[COOKIE]
    left = client.post("/sign-out", headers=OWN)
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, kept)
    assert client.get("/", headers=HTML).status_code == 303


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_with_its_day_and_with_its_key(tmp_path: Path) -> None:
    clock = Seconds()
    first, _ = issue(tmp_path, "Ana", ["worklist"], NOW)
    ring = KeyRing(tmp_path)
    sessions = Sessions(ring, tmp_path, clock)
    cookie = sessions.begin(first)
    assert sessions.read(cookie) == first
    assert Sessions(ring, tmp_path, clock).read(cookie) == first, "a restart signs nobody out"
    clock.now += SECONDS - 1
    assert sessions.read(cookie) == first
    revoke(tmp_path, first.id, NOW)
    assert Sessions(KeyRing(tmp_path), tmp_path, clock).read(cookie) is None
    clock.now += 1
    assert sessions.read(cookie) is None


def test_a_session_cannot_be_made_up(tmp_path: Path) -> None:
    first, _ = issue(tmp_path, "Ana", ["worklist"], NOW)
    other, _ = issue(tmp_path, "Ben", ["admin"], NOW)
    sessions = Sessions(KeyRing(tmp_path), tmp_path, Seconds())
    cookie = sessions.begin(first)
    told, signature = cookie.rsplit(".", 1)
    for wrong in (
        cookie.replace(first.id, other.id), f"{told}.{'0' * 64}", f"{told}.", told, "", "é.é",
        cookie + "0", f"{told}0.{signature}",
    ):  # fmt: skip
        assert sessions.read(wrong) is None
    secret = (tmp_path / "keys" / "session.key").stat()
    assert secret.st_mode & 0o077 == 0
