"""Signing in."""

from __future__ import annotations

from typing import Final

SIGN_IN: Final = "Sign in"
SKIP: Final = "Skip to the form"
MORE: Final = "With the key that was issued to you. You work under its name for 12 hours."
NO_KEY: Final = "No key yet? Whoever runs the service issues one:"
REFUSED: Final = "This key is not in force, or it is not for the list."
WAIT: Final = "Too many wrong keys came from here. Wait a few seconds and try again."
HTTPS: Final = "Open this address with https, or the browser cannot stay signed in."
PROVIDER: Final = "Sign in with your company account"
NOT_VOUCHED: Final = "That did not work: your company account was not confirmed. Try again."
SIGNED_IN: Final = "You are signed in."
GO_ON: Final = "Go on"
KEY: Final = "Key"
