"""A trunk over TLS: its certificate is checked."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from sip_children import child, dial, far_end, missing, trunk
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.lines.sip.messages import Alive, Answered, Ended, HangUp

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """A certificate authority and the files of what it signs."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = rsa.generate_private_key(65537, 2048)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._sign(_name(name), self._key, x509.BasicConstraints(True, None)))

    def certificate(self, host: str) -> Path:
        """A file with a certificate for a host (an address) and its key."""
        key = rsa.generate_private_key(65537, 2048)
        file = self._folder / f"{self._name}-{host}.pem"
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        file.write_bytes(
            self._sign(_name(host), key, names)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return file

    def _sign(
        self, subject: x509.Name, key: rsa.RSAPrivateKey, extension: x509.ExtensionType
    ) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(self._name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )


@contextlib.contextmanager
def tls_before(port: int, certificate: Path) -> Iterator[int]:
    """TLS in front of a far end that speaks TCP; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(listener, context, port), daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def _serve(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            raw, _ = listener.accept()
            with contextlib.suppress(OSError):
                secure = context.wrap_socket(raw, server_side=True)
                plain = socket.create_connection(("127.0.0.1", port))
                # One TLS connection is not for two threads at once: both ways in one of them.
                threading.Thread(target=_relay, args=(secure, plain), daemon=True).start()


def _relay(secure: ssl.SSLSocket, plain: socket.socket) -> None:
    secure.settimeout(0.02)
    plain.settimeout(0.02)
    with contextlib.suppress(OSError):
        while True:
            for source, sink in ((secure, plain), (plain, secure)):
                with contextlib.suppress(TimeoutError):
                    data = source.recv(65536)
                    if not data:
                        return
                    sink.sendall(data)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "trusted")


def test_a_trunk_whose_certificate_is_good_is_called_over_tls(
    tmp_path: Path, authority: Authority
) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, None, "-t", "t1") as far,
        tls_before(far.port, authority.certificate("127.0.0.1")) as port,
        child(
            tmp_path / "log", trunk(port, transport="tls"), tls_ca_file=str(authority.file)
        ) as line,
    ):
        line.tell(dial(port, to_uri=f"sip:+49301@127.0.0.1:{port};transport=tls"))
        line.hear(Answered)
        line.tell(HangUp("a"))
        assert line.hear(Ended).answered
        assert "SIP/2.0/TLS" in far.log()


@pytest.mark.parametrize("flaw", ["another authority", "another host"])
def test_a_trunk_whose_certificate_is_not_good_is_not_called(
    tmp_path: Path, authority: Authority, flaw: str
) -> None:
    other = flaw == "another authority"
    signer = Authority(tmp_path, "other") if other else authority
    host = "127.0.0.1" if other else "127.0.0.9"
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, None, "-t", "t1") as far,
        tls_before(far.port, signer.certificate(host)) as port,
        child(
            tmp_path / "log",
            trunk(
                port,
                transport="tls",
                uri=f"sip:127.0.0.1:{port};transport=tls",
                keep_alive_seconds=60.0,
            ),
            tls_ca_file=str(authority.file),
        ) as line,
    ):
        assert line.hear(Alive).status >= 400
        line.tell(dial(port, to_uri=f"sip:+49301@127.0.0.1:{port};transport=tls"))
        ended = line.hear(Ended)
        assert not ended.answered
        assert "INVITE" not in far.log()


def test_an_operator_can_do_without_the_check(tmp_path: Path) -> None:
    signer = Authority(tmp_path, "unknown")
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, None, "-t", "t1") as far,
        tls_before(far.port, signer.certificate("127.0.0.9")) as port,
        child(tmp_path / "log", trunk(port, transport="tls"), tls_verify=False) as line,
    ):
        line.tell(dial(port, to_uri=f"sip:+49301@127.0.0.1:{port};transport=tls"))
        line.hear(Answered)
