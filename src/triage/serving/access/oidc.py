"""Sign-in through an identity provider: OpenID Connect, authorization code with PKCE.

The protocol is Authlib's, the signature of the ID token is checked by joserfc against the
provider's keys; both come with the extra `oidc`. Whoever the provider lets sign in to this client
works on the list: who that is, is decided there.
Source: OpenID Connect Core 1.0, 3.1 (code flow) and 3.1.3.7 (ID token); RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hmac
import importlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from triage.errors import SettingsError, TriageError
from triage.serving.access import rules
from triage.serving.access.sessions import Seal
from triage.settings import Settings

BACK = "/sign-in/back"
ATTEMPT_SECONDS = 600
_TIMEOUT_SECONDS = 5
_KNOWN_SECONDS = 3_600
_LEEWAY_SECONDS = 60
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
_MOST_NAME = 80


class NotVouchedForError(TriageError):
    """The identity provider did not vouch for anybody."""

    status: ClassVar[int] = 401
    slug: ClassVar[str] = "not-vouched-for"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that has begun, as the browser keeps it: signed, for ten minutes.

    Attributes:
        state, nonce, verifier: what the answer, the ID token and the code have to fit.
        back: the address here that was asked for.
        until: seconds since 1970.
    """

    state: str
    nonce: str
    verifier: str
    back: str
    until: int

    @classmethod
    def new(cls, back: str) -> Self:
        """Begin one."""
        made = (secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        return cls(*made, back, int(time.time()) + ATTEMPT_SECONDS)

    def cookie(self, seal: Seal) -> str:
        """Return it as a browser keeps it."""
        told = base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()
        return seal.signed("attempt", told)

    @classmethod
    def read(cls, seal: Seal, cookie: str) -> Self:
        """Read it back.

        Raises:
            NotVouchedForError: if it is not one of ours, or too old.
        """
        told = seal.opened("attempt", cookie)
        if told is None:
            raise NotVouchedForError("this sign-in did not begin here")
        made = cls(**json.loads(base64.urlsafe_b64decode(told)))
        if made.until <= time.time():
            raise NotVouchedForError("this sign-in took too long")
        return made


class Provider:
    """An identity provider. Every method but `of` asks it over the network: not on the event loop.

    Args:
        settings: issuer, client and public address.

    Raises:
        SettingsError: if they do not fit, or the extra is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        if not (settings.oidc_issuer and settings.oidc_client_id and settings.public_url):
            raise SettingsError(
                "TRIAGE_OIDC_ISSUER needs TRIAGE_OIDC_CLIENT_ID and TRIAGE_PUBLIC_URL, too"
            )
        self._issuer = settings.oidc_issuer.rstrip("/")
        _check_address(self._issuer)
        secret = settings.oidc_client_secret
        self._client = (
            settings.oidc_client_id, None if secret is None else secret.get_secret_value()
        )  # fmt: skip
        self._back = settings.public_url.rstrip("/") + BACK
        self._known: tuple[float, dict[str, Any], Any] | None = None
        try:
            self._oauth = importlib.import_module("authlib.integrations.requests_client")
            self._claims = importlib.import_module("authlib.oidc.core")
            self._jwt = importlib.import_module("joserfc.jwt")
            self._jwk = importlib.import_module("joserfc.jwk")
        except ImportError as error:
            raise SettingsError(
                "sign-in through a provider needs more; next: pip install fulfilment-triage[oidc]"
            ) from error

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return the provider that settings name, None if they name none."""
        return None if settings.oidc_issuer is None else cls(settings)

    def address(self, attempt: Attempt) -> str:
        """Return where a browser is sent to sign in.

        Raises:
            NotVouchedForError: if the provider cannot be asked.
        """
        facts, _ = self._facts()
        with self._asking() as session:
            url, _ = session.create_authorization_url(
                facts["authorization_endpoint"], state=attempt.state, nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )  # fmt: skip
        return str(url)

    def person(self, attempt: Attempt, code: str, state: str) -> tuple[str, str]:
        """Return for whom the provider vouches: what tells them from others, and their name.

        Raises:
            NotVouchedForError: if it vouches for nobody, or not to us, or not now.
        """
        if not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise NotVouchedForError("the answer is to another sign-in")
        facts, keys = self._facts()
        try:
            with self._asking() as session:
                told = session.fetch_token(
                    facts["token_endpoint"], grant_type="authorization_code", code=code,
                    code_verifier=attempt.verifier, timeout=_TIMEOUT_SECONDS,
                )  # fmt: skip
            token = self._jwt.decode(told["id_token"], keys, algorithms=_ALGORITHMS)
            claims = self._claims.CodeIDToken(
                token.claims, token.header,
                {"iss": {"essential": True, "value": facts["issuer"]},
                 "aud": {"essential": True, "value": self._client[0]},
                 "nonce": {"essential": True, "value": attempt.nonce}},
                {"nonce": attempt.nonce, "client_id": self._client[0]},
            )  # fmt: skip
            claims.validate(leeway=_LEEWAY_SECONDS)
        except Exception as error:
            self._known = None  # its keys may have changed
            raise NotVouchedForError("the provider's answer does not hold") from error
        return f"{facts['issuer']} {claims['sub']}", _name(claims)

    def _asking(self) -> Any:  # noqa: ANN401 - the extra may be absent, so has no types here
        return self._oauth.OAuth2Session(
            *self._client, scope="openid profile email", redirect_uri=self._back,
            code_challenge_method="S256",
        )  # fmt: skip

    def _facts(self) -> tuple[dict[str, Any], Any]:
        """Return what the provider says of itself, and its keys; asked for once an hour."""
        if self._known is not None and time.monotonic() - self._known[0] < _KNOWN_SECONDS:
            return self._known[1:]
        try:
            with self._asking() as session:
                facts = self._fetch(session, f"{self._issuer}/.well-known/openid-configuration")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    _check_address(facts[name])
                keys = self._jwk.KeySet.import_key_set(self._fetch(session, facts["jwks_uri"]))
        except Exception as error:
            raise NotVouchedForError("the provider cannot be asked now") from error
        if facts.get("issuer", "").rstrip("/") != self._issuer:
            raise NotVouchedForError("the provider calls itself by another name than settings do")
        self._known = (time.monotonic(), facts, keys)
        return facts, keys

    def _fetch(self, session: Any, address: str) -> dict[str, Any]:  # noqa: ANN401
        answer = session.get(
            address, withhold_token=True, timeout=_TIMEOUT_SECONDS, allow_redirects=False
        )
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    here = rules.is_loopback(parts.hostname or "")
    if parts.scheme == "https" or (parts.scheme == "http" and here):
        return
    raise SettingsError("an identity provider is asked over https only")


def _name(claims: Mapping[str, object]) -> str:
    """Return how a person is called, from what the provider says."""
    for claim in ("name", "preferred_username", "email", "sub"):
        said = claims.get(claim)
        if isinstance(said, str) and said.strip() and said.isprintable():
            return said.strip()[:_MOST_NAME]
    raise NotVouchedForError("the provider does not say how this person is called")
