"""Signed checkpoints: a line to keep elsewhere that reveals an end that was cut or rewritten.

Signatures are Ed25519 (RFC 8032). Who holds the key file can sign; who holds the checkpoint and the
public key can check. A checkpoint kept only beside the ledger proves little: keep it elsewhere.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from triage.ledger.entries import canonical
from triage.ledger.errors import CheckpointError

_PURPOSE = b"triage checkpoint 1\0"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger was at one moment.

    Attributes:
        ledger: the ledger's identity, as hexadecimal text.
        seq: its last entry.
        hash: that entry's hash, as hexadecimal text.
        at: when this was signed, UTC micros.
        signature: over all of the above, as hexadecimal text.
    """

    ledger: str
    seq: int
    hash: str
    at: int
    signature: str

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a checkpoint that `to_json` wrote.

        Raises:
            CheckpointError: if it is none.
        """
        try:
            return cls(**json.loads(content))
        except (TypeError, ValueError) as error:
            raise CheckpointError("this is not a checkpoint of a ledger") from error

    def to_json(self) -> bytes:
        """Return the checkpoint as one line of JSON."""
        return canonical(self.to_dict()) + b"\n"

    def to_dict(self) -> dict[str, Any]:
        """Return the checkpoint as a dictionary for JSON."""
        return asdict(self)

    def check(self, public_key: str) -> None:
        """Make sure that the holder of a key signed this.

        Args:
            public_key: as hexadecimal text.

        Raises:
            CheckpointError: if not.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
            signed = _signed(self.ledger, self.seq, self.hash, self.at)
            key.verify(bytes.fromhex(self.signature), signed)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise CheckpointError(
                "the checkpoint is not signed by this key: it was edited, or the key is another"
            ) from error


class Signer:
    """Holds the private key of a ledger's owner."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key file; make it, readable by its owner only, if there is none.

        Raises:
            CheckpointError: if others may read it, or it holds no key.
        """
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            key = Ed25519PrivateKey.generate()
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(key.private_bytes_raw().hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            return cls(key)
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CheckpointError(f"others may read the key in {path}; next: chmod 600 {path}")
        try:
            secret = bytes.fromhex(path.read_text().strip())
            return cls(Ed25519PrivateKey.from_private_bytes(secret))
        except ValueError as error:
            raise CheckpointError(f"{path} holds no key; restore it from a copy") from error

    @property
    def public_key(self) -> str:
        """What others need to check, as hexadecimal text."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, identity: bytes, seq: int, own_hash: bytes, at: int) -> Checkpoint:
        """Return a signed checkpoint.

        Args:
            identity: the ledger's 16 bytes.
            seq: its last entry.
            own_hash: that entry's hash.
            at: now, UTC micros.
        """
        signature = self._key.sign(_signed(identity.hex(), seq, own_hash.hex(), at))
        return Checkpoint(identity.hex(), seq, own_hash.hex(), at, signature.hex())


def _signed(ledger: str, seq: int, own_hash: str, at: int) -> bytes:
    return _PURPOSE + canonical([ledger, seq, own_hash, at])
