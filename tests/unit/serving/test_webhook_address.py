from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.serving.receiving import Heard, receiver

from triage.errors import DeclarationError, SettingsError
from triage.serving.webhooks.address import RefusedAddressError, Target, allowed, checked, public
from triage.serving.webhooks.declared import Subscription, Webhooks, load, secrets_of
from triage.serving.webhooks.send import send

BASE: dict[str, Any] = {
    "url": "https://hooks.example.com/in", "events": ["risk.changed"], "secrets": ["HOOK"],
}  # fmt: skip
INSIDE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/29", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
    "::/128", "::1/128", "::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip


def subscription(**changed: Any) -> Subscription:
    return Subscription.model_validate(BASE | changed)


@st.composite
def inside(draw: st.DrawFn) -> str:
    network = ipaddress.ip_network(draw(st.sampled_from(INSIDE)))
    offset = draw(st.integers(0, network.num_addresses - 1))
    return str(network[offset])


@given(inside())
def test_no_address_that_is_inside_or_special_is_public(address: str) -> None:
    assert not public(ipaddress.ip_address(address))
    own = subscription()
    assert not allowed(address, Target.of(own.url), own)


@given(st.ip_addresses(v=4))
def test_an_address_inside_stays_so_however_ipv6_wraps_it(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = (
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
    )
    assert not any(map(public, wrapped))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert public(ipaddress.ip_address(address))


def test_a_private_network_is_reached_only_if_it_is_declared() -> None:
    own = subscription(networks=["10.20.0.0/16"])
    target = Target.of(own.url)
    assert allowed("10.20.3.4", target, own)
    assert not allowed("10.21.3.4", target, own)
    assert not allowed("::ffff:10.20.3.4", target, own)
    assert not allowed("fe80::1%eth0", target, own)


def test_one_bad_address_among_good_ones_is_enough_to_refuse() -> None:
    async def both(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "169.254.169.254"]

    own = subscription()
    with pytest.raises(RefusedAddressError, match=r"169\.254\.169\.254"):
        asyncio.run(checked(Target.of(own.url), own, both))


def test_plain_http_reaches_this_machine_and_nothing_else() -> None:
    own = subscription(url="http://hooks.example.com/in", http_on_loopback=True)
    target = Target.of(own.url)
    assert allowed("127.0.0.1", target, own)
    assert not allowed("93.184.216.34", target, own)
    assert not allowed("10.0.0.1", target, own)


def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_checked() -> None:
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with receiver(Heard()) as heard:
        port = heard.url.split(":")[2].split("/")[0]
        url = f"http://rebinding.example:{port}/in"
        own = subscription(url=url, http_on_loopback=True)
        sent = asyncio.run(send(own, {}, b"{}", 5, resolving=rebinding))
    assert sent.delivered
    assert asked == ["rebinding.example"]
    ((headers, _),) = heard.requests
    assert headers["host"] == f"rebinding.example:{port}"


def test_a_name_that_leads_inside_is_refused_before_anything_is_sent() -> None:
    async def inward(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    with receiver(Heard()) as heard:
        port = heard.url.split(":")[2].split("/")[0]
        own = subscription(url=f"https://hooks.example.com:{port}/in")
        sent = asyncio.run(send(own, {}, b"{}", 5, resolving=inward))
    assert "inside or special" in sent.why
    assert heard.requests == []


def certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts of a server with a certificate for a host, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    held = folder / "held.pem"
    held.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(held)
    return server, ssl.create_default_context(cadata=made.public_bytes(
        serialization.Encoding.PEM).decode())  # fmt: skip


@asynccontextmanager
async def answering(answer: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answer every request with some bytes, None: never; gives the port."""
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if answer is None:
                await reader.read()
            writer.write(answer or b"")
            await writer.drain()
        writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls) as listening:
        yield listening.sockets[0].getsockname()[1]
        await asyncio.gather(*served)


@pytest.mark.parametrize(("host", "trusted"), [("hooks.example", True), ("other.example", False)])
def test_a_certificate_must_be_of_the_host_that_was_declared(
    tmp_path: Path, host: str, trusted: bool
) -> None:
    server, client = certificate(tmp_path, "hooks.example")

    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async def attempt() -> tuple[bool, str]:
        async with answering(b"HTTP/1.1 204 No Content\r\n\r\n", server) as port:
            own = subscription(url=f"https://{host}:{port}/", http_on_loopback=True)
            sent = await send(own, {}, b"{}", 5, resolving=here, tls=client)
        return sent.delivered, sent.why

    delivered, why = asyncio.run(attempt())
    assert delivered is trusted
    assert trusted or "Hostname mismatch" in why


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "its answer has no end"),
        (b"no http at all\r\n\r\n", "its answer is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000, "its answer has no end"),
        (None, "no answer within 0.3 s"),
    ],
)
def test_a_receiver_that_misbehaves_costs_little(answer: bytes | None, why: str) -> None:
    async def attempt() -> str:
        async with answering(answer) as port:
            own = subscription(url=f"http://127.0.0.1:{port}/", http_on_loopback=True)
            return (await send(own, {}, b"{}", 0.3)).why

    assert asyncio.run(attempt()) == why


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"url": "http://hooks.example.com"}, "must begin with https"),
        ({"url": "https://user:word@hooks.example.com"}, "neither a user"),
        ({"url": "https://hooks.example.com/a\r\nX: y"}, "in ASCII and without blanks"),
        ({"url": "ftp://hooks.example.com"}, "must begin with https"),
        ({"url": "/in"}, "as https://host/path"),
        ({"events": ["work.changed"]}, "Input should be"),
        ({"events": []}, "at least 1 item"),
        ({"secrets": ["whsec_abc"]}, "never the secret itself"),
        ({"secrets": ["A", "B", "C"]}, "at most 2 items"),
        ({"networks": ["0.0.0.0/0"]}, "not within 10.0.0.0/8"),
        ({"networks": ["169.254.0.0/16"]}, "not within 10.0.0.0/8"),
        ({"networks": ["127.0.0.0/8"]}, "not within 10.0.0.0/8"),
        ({"networks": ["::ffff:10.0.0.0/104"]}, "not within 10.0.0.0/8"),
        ({"netwroks": []}, "Extra inputs"),
    ],
)
def test_a_declaration_says_what_is_wrong_with_it(
    tmp_path: Path, changed: dict[str, Any], complaint: str
) -> None:
    (tmp_path / "serving").mkdir()
    lines = [f"{name} = {value!r}" for name, value in (BASE | changed).items()]
    text = "\n".join(["[subscriptions.here]", *lines]).replace("\\r\\n", "\\u000d\\u000a")
    text = text.replace("'https://hooks.example.com/a", '"https://hooks.example.com/a').replace(
        "X: y'", 'X: y"'
    )
    (tmp_path / "serving" / "webhooks.toml").write_text(text)
    with pytest.raises(DeclarationError, match=complaint) as error:
        load(tmp_path)
    assert "serving/webhooks.toml: subscriptions.here" in str(error.value)


def test_a_workspace_without_the_file_tells_nobody(tmp_path: Path) -> None:
    assert load(tmp_path) == Webhooks()
    assert load() == Webhooks()


@pytest.mark.parametrize("text", ["", "hunter2hunter2", "whsec_c2hvcnQ=", "whsec_no base64!"])
def test_a_bad_secret_is_named_and_never_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="HOOK") as error:
        secrets_of("here", subscription(), {"HOOK": text})
    assert not text or text not in str(error.value)
