"""People sign in through an identity provider; nobody for whom it does not vouch does."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import assert_problem, beside

from triage.errors import SettingsError
from triage.serving.access.guard import Guard
from triage.serving.access.keys import issue
from triage.serving.access.oidc import Attempt, Provider
from triage.settings import Settings

NEEDS = pytest.mark.skipif(
    importlib.util.find_spec("authlib") is None, reason="needs the extra oidc: authlib"
)
CLIENT, SECRET = "triage", "client-secret"
HTML = {"accept": "text/html"}


class FakeProvider:
    """A provider on this machine that signs what a test wants it to say.

    Attributes:
        says: changes to the claims of the next ID token.
        algorithm: how it signs.
        asked: what came to the token endpoint.
    """

    def __init__(self) -> None:
        jwk, self._jwt = (importlib.import_module(f"joserfc.{name}") for name in ("jwk", "jwt"))
        self._key = jwk.RSAKey.generate_key(2048, {"kid": "one"})
        self._other = jwk.RSAKey.generate_key(2048, {"kid": "one"})
        self._oct = jwk.OctKey.import_key(SECRET * 4)
        self.says: dict[str, Any] = {}
        self.signs = "RS256"
        self.asked: dict[str, list[str]] = {}
        self.challenge = ""
        outer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._tell(outer.facts if "openid" in self.path else outer.keys)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.asked = parse_qs(body)
                self._tell(outer.token())

            def _tell(self, told: object) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.facts = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
        }  # fmt: skip
        self.keys = {"keys": [self._key.as_dict(private=False)]}
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def token(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "u-17", "iat": now, "exp": now + 300,
            "nonce": self.nonce, "name": "Ana Lima",
        } | self.says  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        key = {"HS256": self._oct, "other key": self._other}.get(self.signs, self._key)
        algorithm = "HS256" if self.signs == "HS256" else "RS256"
        signed = self._jwt.encode({"alg": algorithm, "kid": "one"}, claims, key)
        if self.signs == "none":
            head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
            signed = f"{head}.{signed.split('.')[1]}."
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed}

    nonce = ""

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def idp() -> Iterator[FakeProvider]:
    made = FakeProvider()
    yield made
    made.close()


@pytest.fixture
def client(tmp_path: Path, idp: FakeProvider) -> TestClient:
    issue(tmp_path, "ERP", ["score"], 1)
    settings = Settings(
        home=tmp_path, oidc_issuer=idp.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET,
        public_url="http://localhost:8080/",
    )  # fmt: skip
    made = beside(fakes.app(settings, folder=tmp_path, guard=Guard(settings)))
    made.follow_redirects = False
    return made


def begin(client: TestClient, idp: FakeProvider, back: str = "/?band=high") -> dict[str, str]:
    sent = client.get("/sign-in/provider", params={"next": back})
    assert sent.status_code == 303, sent.text
    where = urlsplit(sent.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{idp.issuer}/authorize"
    asked = {name: told[0] for name, told in parse_qs(where.query).items()}
    idp.nonce, idp.challenge = asked["nonce"], asked["code_challenge"]
    return asked


@NEEDS
def test_who_the_provider_vouches_for_works_under_their_name(
    client: TestClient, idp: FakeProvider
) -> None:
    asked = begin(client, idp)
    assert asked["client_id"] == CLIENT
    assert asked["redirect_uri"] == "http://localhost:8080/sign-in/back"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    done = client.get("/sign-in/back", params={"code": "c-1", "state": asked["state"]})
    assert done.status_code == 200
    assert 'url=/?band=high"' in done.text
    assert "SameSite=strict" in done.headers["set-cookie"]
    verifier = idp.asked["code_verifier"][0].encode()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
    assert challenge == idp.challenge
    assert idp.asked["code"] == ["c-1"]
    page = client.get("/", headers=HTML)
    assert page.status_code == 200
    assert "Ana Lima" in page.text
    assert client.get("/v1/worklist").status_code == 200
    assert_problem(client.get("/metrics"), 403)


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another client": {"aud": "other"},
    "also another client, for it": {"aud": ["other", CLIENT], "azp": "other"},
    "expired": {"exp": 1_000_000_000},
    "from the future": {"iat": 4_000_000_000, "nbf": 4_000_000_000},
    "another sign-in": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "no audience": {"aud": None},
    "no expiry": {"exp": None},
    "nobody": {"sub": None},
}


@NEEDS
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_token_that_does_not_hold_lets_nobody_in(
    client: TestClient, idp: FakeProvider, lie: dict[str, Any]
) -> None:
    asked = begin(client, idp)
    idp.says = lie
    refused(client, asked["state"])


@NEEDS
@pytest.mark.parametrize("signs", ["none", "HS256", "other key"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    client: TestClient, idp: FakeProvider, signs: str
) -> None:
    asked = begin(client, idp)
    idp.signs = signs
    refused(client, asked["state"])


@NEEDS
@pytest.mark.parametrize("state", ["", "other", "é"])
def test_an_answer_to_another_sign_in_lets_nobody_in(
    client: TestClient, idp: FakeProvider, state: str
) -> None:
    begin(client, idp)
    refused(client, state)


@NEEDS
def test_an_answer_without_a_beginning_here_lets_nobody_in(
    client: TestClient, idp: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = begin(client, idp)["state"]
    kept = client.cookies["triage_attempt"]
    client.cookies.clear()
    refused(client, state)
    client.cookies.set("triage_attempt", kept[:-1] + ("0" if kept[-1] != "0" else "1"))
    refused(client, state)
    client.cookies.clear()
    client.cookies.set("triage_attempt", kept)
    later = time.time() + 700
    monkeypatch.setattr("triage.serving.access.oidc.time.time", lambda: later)
    refused(client, state)


@NEEDS
def test_a_provider_that_is_down_is_told(client: TestClient, idp: FakeProvider) -> None:
    idp.close()
    answer = client.get("/sign-in/provider", headers=HTML)
    assert answer.status_code == 401
    assert "company account" in answer.text


@NEEDS
def test_a_provider_that_calls_itself_something_else_is_not_trusted(
    client: TestClient, idp: FakeProvider
) -> None:
    idp.facts["issuer"] = "https://evil.example"
    assert client.get("/sign-in/provider").status_code == 401


def refused(client: TestClient, state: str) -> None:
    done = client.get("/sign-in/back", params={"code": "secret", "state": state})
    assert done.status_code == 401
    assert "secret" not in done.text
    assert "triage_session" not in client.cookies
    assert client.get("/", headers=HTML).status_code == 303


def test_without_a_provider_there_is_no_such_way(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    made = beside(fakes.app(settings, guard=Guard(settings)))
    assert made.get("/sign-in/provider").status_code == 404
    assert "company account" not in made.get("/sign-in").text


@pytest.mark.parametrize(
    "told",
    [{"oidc_issuer": "https://id.example.com"},
     {"oidc_issuer": "http://id.example.com", "oidc_client_id": CLIENT, "public_url": "https://t"}],
    ids=["half of it", "no https"],
)  # fmt: skip
def test_half_a_provider_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"TRIAGE_OIDC_CLIENT_ID|https"):
        Provider.of(Settings(**told))


def test_an_attempt_does_not_repeat_itself() -> None:
    one, other = Attempt.new("/"), Attempt.new("/")
    assert not {one.state, one.nonce, one.verifier} & {other.state, other.nonce, other.verifier}
