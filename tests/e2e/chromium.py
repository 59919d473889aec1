"""What a test needs to watch a browser before a sidecar: names with certificates, servers that remember
what they were asked, a sidecar on ports of its own, and Chromium, to which the names lead.

    with Stage(program) as stage:
        app = stage.site("app.test", answer)
        sidecar = stage.sidecar("pr-1.preview.test", app, routes="...")
        with stage.browser() as browser:
            page = browser.page(token=sidecar.token("alice"))
            page.goto("https://pr-1.preview.test/")

Every name is an origin on port 443 for the browser, whatever port serves it. All of it is on the loopback.
"""

import base64
import datetime
import hashlib
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

ROUTES = """
  - match: "* /**"
    public: A page of this test.
    content: [image/*, text/css, text/javascript, application/wasm]
"""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(is_true, what: str) -> None:
    """Waits until something has become true; a minute is for ever here."""
    for _ in range(1200):
        if is_true():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} never came")


def run(program, *arguments) -> str:
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{program} {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout.strip()


class Certificate:
    """One certificate, its own authority, for every name; browsers are told to take its key."""

    def __init__(self, folder: Path, names: list[str]):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chaperone test")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=2))
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        built = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        self.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.pin = base64.b64encode(hashlib.sha256(public).digest()).decode()


class Asked:
    """One request that a site got."""

    def __init__(self, method: str, path: str, headers, body: bytes):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"


class Answer:
    def __init__(self, body="", kind="text/html; charset=utf-8", status=200, headers=()):
        self.body = body.encode() if isinstance(body, str) else body
        self.kind, self.status, self.headers = kind, status, list(headers)


class Site:
    """A server that answers by a function of the request, and remembers requests, connections and datagrams."""

    def __init__(self, certificate: Certificate | None, answer, port=0):
        self.asked: list[Asked] = []
        self.connections = 0
        self.datagrams = 0
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = Asked(self.command, self.path, self.headers, body)
                site.asked.append(asked)
                told = answer(asked)
                self.send_response(told.status)
                self.send_header("content-type", told.kind)
                for name, value in told.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(told.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(told.body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def get_request(self):
                accepted = super().get_request()
                site.connections += 1
                return accepted

            def finish_request(self, request, client):
                # The handshake belongs to the connection's own thread: a client that sends nothing holds up nobody.
                if certificate:
                    request = context.wrap_socket(request, server_side=True)
                super().finish_request(request, client)

            def handle_error(self, *_):
                pass

        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        threading.Thread(target=self.count_datagrams, daemon=True).start()

    def count_datagrams(self):
        try:
            while self.udp.recv(65536):
                self.datagrams += 1
        except OSError:
            pass

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        with closing(self.udp):
            self.udp.sendto(b"", self.udp.getsockname())


class Sidecar:
    """A running sidecar; `restart` is the next revision on the same port."""

    def __init__(self, stage, app: Site, routes: str, policy: str, config: str, revision: str, port: int):
        self.stage, self.revision = stage, revision
        self.port, self.health = port, free_port()
        self.folder = Path(tempfile.mkdtemp(dir=stage.folder))
        run(stage.program, "token", "keygen", "--out", self.folder / "issuer")
        (self.folder / "policy.yaml").write_text(
            "version: 1\npolicy: browser\ncapability:\n  biscuit: { root_keys: [issuer.pub] }\n"
            f"subject: {{ id: user, own: [email] }}\n{policy}\nroutes:\n{routes}\n")
        (self.folder / "audit.key").write_text("a key for tests alone, of 16 bytes or more")
        self.app, self.config = app, config
        self.process = None
        self.start()

    def start(self):
        certificate = self.stage.certificate
        (self.folder / "chaperone.yaml").write_text(f"""
listen: {{ inbound: "127.0.0.1:{self.port}", health: "127.0.0.1:{self.health}" }}
tls: {{ certificate: "{certificate.certificate}", key: "{certificate.key}" }}
upstream: {{ url: "http://127.0.0.1:{self.app.port}" }}
policy: policy.yaml
preview: pr-1
revision: "{self.revision}"
audit: {{ to: file, file: audit.jsonl, path: raw, key_file: audit.key }}
{self.config}
""")
        log = self.folder / "chaperone.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [str(self.stage.program), "run", "--config", "chaperone.yaml"], cwd=self.folder, stdout=out, stderr=out)

        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the sidecar ended:\n{log.read_text()}")
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.health}/readyz").status == 200
            except OSError:
                return False

        wait(is_ready, "the sidecar")

    def restart(self, revision: str):
        self.stop()
        self.revision = revision
        self.start()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def token(self, user: str, *arguments) -> str:
        key = self.folder / "issuer.key"
        return run(self.stage.program, "token", "mint", "--key", key, "--user", user, *arguments)


class Browser:
    """Chromium, by Playwright."""

    def __init__(self, chromium):
        self.chromium = chromium

    def context(self, token: str | None = None):
        """A profile of its own, whose requests carry a capability."""
        headers = {"Chaperone-Capability": token} if token else {}
        return self.chromium.new_context(extra_http_headers=headers)

    def page(self, token: str | None = None):
        return watched(self.context(token).new_page())


def watched(page):
    """The page, which remembers what its console and its policies said in `said` and `violated()`."""
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.add_init_script("""
        window.violations = [];
        addEventListener('securitypolicyviolation', e => violations.push(e.effectiveDirective + ' ' + e.blockedURI));
    """)
    page.violated = lambda: page.evaluate("violations")
    return page


class Stage:
    """Everything of one test: folder, certificate, names, what runs."""

    def __init__(self, program, *, names=("preview.test", "*.preview.test", "*.evil.test", "app.test")):
        self.program = Path(program).resolve()
        self.names, self.ports, self.running = list(names), {}, []

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="chaperone-browser-"))
        self.certificate = Certificate(self.folder, self.names)
        return self

    def __exit__(self, kind, *_):
        for one in reversed(self.running):
            one()
        if kind is not None:
            for log in self.folder.glob("*/chaperone.log"):
                print(f"--- {log}\n{log.read_text()[-4000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def site(self, name: str, answer, port=0) -> Site:
        """An origin of its own, over TLS."""
        site = Site(self.certificate, answer, port)
        self.ports[name] = site.port
        self.running.append(site.close)
        return site

    def app(self, answer) -> Site:
        """An app, which no browser reaches but through a sidecar."""
        site = Site(None, answer)
        self.running.append(site.close)
        return site

    def sidecar(self, name: str, app: Site, *, routes=ROUTES, policy="", config="", revision="aaaaaaa", port=None) -> Sidecar:
        sidecar = Sidecar(self, app, routes, policy, config, revision, port or free_port())
        self.ports[name] = sidecar.port
        self.running.append(sidecar.stop)
        return sidecar

    @contextmanager
    def browser(self, *arguments):
        rules = [f"MAP {name} 127.0.0.1:{port}" for name, port in self.ports.items()]
        rules.append("MAP * ~NOTFOUND")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=CHROMIUM,
                chromium_sandbox=False,
                args=[
                    f"--host-resolver-rules={', '.join(rules)}",
                    f"--ignore-certificate-errors-spki-list={self.certificate.pin}",
                    "--disable-quic",
                    *arguments,
                ],
            )
            try:
                yield Browser(chromium)
            finally:
                chromium.close()
