"""One settings object, read from the environment (prefix TRIAGE_) at the edges only."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things are kept and how the service listens.

    Attributes:
        home: folder for everything generated (log, bundles, MLflow store); can be rebuilt.
        workspace: folder that holds features/, training/, models/, serving/ and data/mappings/;
            unset means the checkout this runs in, or the copy that the wheel carries.
        clock: what counts as now for scores: `wall`, or `data` (the moment of the newest
            record): for extracts of the past.
        host: address the service listens on.
        port: port of the API and the list.
        mlflow_port: port of the MLflow pages that `make demo` opens.
        record: whether every decision is recorded before it is answered.
        acknowledge: when a decision counts as recorded: `synced`, once it is on the disk (survives
            a power cut), or `written`, once the system has it (survives the end of the process).
        ledger_url: where decisions are kept: a SQLite or PostgreSQL URL; unset means in the home.
        open_loopback: who on this machine needs no key: `until-keys`, everybody while the service
            listens on loopback and no key was ever issued; `always`, everybody, also later and
            while it listens further (not behind a proxy on this machine); `never`, nobody.
        rate_limit: requests a second of one caller, four times as many at once; 0 means any number.
            Unset means 500 for callers on other machines and any number for those on this one.
        public_url: address under which browsers reach the service (`https://triage.example.com`);
            needed only for the next three.
        oidc_issuer: identity provider through which people may sign in, too (the extra `oidc`).
        oidc_client_id: what this service is called there.
        oidc_client_secret: its secret there; unset for a public client, PKCE protects either.
        log_format: whether the log has lines for people (`text`) or one object a line (`json`).
        log_requests: which requests are logged: `all`, those that `failed` (4xx, 5xx), or `none`.
        locale: how the pages write numbers, money, dates and times (`en-GB`, `de-DE`, or `en-DE`:
            texts are English in any case).
        time_zone: in which zone the pages tell moments (`Europe/Berlin`); unset means that of the
            promises, whose days count there in any case.
        max_body_bytes: largest request body that is read.
        max_batch: largest number of orders in one batch request.
        max_events: largest number of events in one request.
    """

    model_config = SettingsConfigDict(env_prefix="TRIAGE_", frozen=True, extra="ignore")

    home: Path = Path(".triage")
    workspace: Path | None = None
    clock: Literal["data", "wall"] = "wall"
    host: str = "127.0.0.1"
    port: int = 8080
    mlflow_port: int = 5001
    record: bool = True
    acknowledge: Literal["synced", "written"] = "synced"
    ledger_url: str | None = None
    open_loopback: Literal["until-keys", "always", "never"] = "until-keys"
    rate_limit: Annotated[int, Field(ge=0)] | None = None
    public_url: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    log_format: Literal["text", "json"] = "text"
    log_requests: Literal["all", "failed", "none"] = "failed"
    locale: str = "en-GB"
    time_zone: str | None = None
    max_body_bytes: int = 2_000_000
    max_batch: int = 1_000
    max_events: int = 10_000


def user() -> str:
    """Return the name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container whose user has no name
        return f"user {os.getuid()}"
