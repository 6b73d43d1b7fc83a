"""A telephone network: Kamailio, which registers and authenticates, and passes calls on."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from sip_children import PATIENCE, free_port

REALM = "network.example"
PASSWORD = "of-no-use-elsewhere"


def no_network() -> str:
    """What this machine lacks for a network; empty when it has everything."""
    if shutil.which("kamailio") is None:
        return "kamailio is not installed"
    return "" if _modules("tls.so") else "the TLS module of kamailio is not installed"


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and what it has certified for 127.0.0.1 and `localhost`."""

    ca: Path
    certificate: Path
    key: Path


def authority(folder: Path) -> Authority:
    """A new authority, in files."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    root_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Test CA {folder.name}")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])

    def made(subject: x509.Name, public: rsa.RSAPublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )

    root = made(root_name, root_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    leaf = made(name, key.public_key()).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    files = Authority(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    files.ca.write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(pem))
    files.certificate.write_bytes(leaf.sign(root_key, hashes.SHA256()).public_bytes(pem))
    files.key.write_bytes(
        key.private_bytes(
            pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return files


_CONFIG = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
enable_tls=yes
listen=udp:127.0.0.1:%(port)d
listen=tcp:127.0.0.1:%(port)d
listen=tls:127.0.0.1:%(tls_port)d
mpath="%(modules)s"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "tls.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", 3600)
modparam("registrar", "min_expires", 1)
modparam("tls", "private_key", "%(key)s")
modparam("tls", "certificate", "%(certificate)s")
modparam("tls", "ca_list", "%(ca)s")
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "verify_certificate", 0)
modparam("tls", "require_certificate", 0)
modparam("rr", "append_fromtag", 1)

request_route {
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    if (is_method("OPTIONS") && uri == myself && $rU == $null) {
        sl_send_reply("200", "OK");
        exit;
    }
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (has_totag()) {
        if (loose_route()) {
            t_relay();
            exit;
        }
        if (is_method("ACK")) {
            if (t_check_trans()) t_relay();
            exit;
        }
        sl_send_reply("404", "Not Here");
        exit;
    }
    t_check_trans();
    if (is_method("REGISTER")) {
        if (!pv_www_authenticate("%(realm)s", "%(password)s", "0")) {
            www_challenge("%(realm)s", "1");
            exit;
        }
        save("location");
        exit;
    }
    if (!is_method("INVITE")) {
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }
    if (!pv_proxy_authenticate("%(realm)s", "%(password)s", "0")) {
        proxy_challenge("%(realm)s", "1");
        exit;
    }
    consume_credentials();
    record_route();
    if (!lookup("location")) {
        sl_send_reply("404", "Nobody Has This Number");
        exit;
    }
    t_relay();
}
"""


class Network:
    """Kamailio. Whoever knows `PASSWORD` may register as whoever they like, and call them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port = free_port()
        self.tls_port = free_port()
        self.authority = authority(folder / "authority")
        self._config = folder / "kamailio.cfg"
        self._config.write_text(
            _CONFIG
            % {
                "port": self.port,
                "tls_port": self.tls_port,
                "modules": _modules("tm.so"),
                "realm": REALM,
                "password": PASSWORD,
                "key": self.authority.key,
                "certificate": self.authority.certificate,
                "ca": self.authority.ca,
            }
        )
        self._log = folder / "kamailio.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start, and return once it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("kamailio", "-DD", "-E", "-f", str(self._config), "-m", "32", "-M", "4"),
                    *("-Y", str(self._folder), "-P", str(self._folder / "pid")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while True:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.tls_port), 1),
            ):
                return
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            assert time.monotonic() < until, self._log.read_text()[-3000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop, as in an outage. What was registered is forgotten."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextlib.contextmanager
def network(folder: Path) -> Iterator[Network]:
    """A network while the block runs."""
    one = Network(folder)
    try:
        yield one
    finally:
        one.stop()


def _modules(name: str) -> Path | None:
    found = next(Path("/usr/lib").glob(f"*/kamailio/modules/{name}"), None)
    return found.parent if found else None
