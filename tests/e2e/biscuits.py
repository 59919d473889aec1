"""Capabilities that others make: Biscuits of biscuit-python, DPoP proofs of PyJWT, sent by curl.

    python tests/e2e/biscuits.py CHAPERONE

Starts a small app and chaperone before it, and holds what comes back against what was minted: every
token that must pass passes as its user, and every other one is refused for its own reason. What the app is told in turn is
proven with the pod's public key.
"""

import base64
import hashlib
import http.server
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jwt
from biscuit_auth import Algorithm, Biscuit, BiscuitBuilder, BlockBuilder, KeyPair, PublicKey
from cryptography.hazmat.primitives.asymmetric import ec

CHECKS = 0
POLICY = """\
version: 1
policy: interop
capability:
  biscuit: { root_keys: [one.pub, two.pem] }
routes:
  - match: GET /open/**
    public: Says who asks.
  - match: GET /buyers
    public: Says who asks.
    authorize: allow if user($u), group($u, "buyers")
"""
CONFIG = """\
listen: {{ inbound: 127.0.0.1:{door}, health: 127.0.0.1:{health} }}
upstream: {{ url: "http://127.0.0.1:{app}" }}
policy: policy.yaml
preview: pr-1
audit: {{ to: file, file: audit.jsonl }}
"""


class App(http.server.BaseHTTPRequestHandler):
    """Says who asks, and which fields of a capability it was shown."""

    def do_GET(self):
        shown = [name for name in ("Authorization", "DPoP") if self.headers[name]]
        told = self.headers["Chaperone-Capability"]
        body = json.dumps({"user": self.headers["X-Forwarded-User"], "shown": shown, "told": told}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def check(truth: bool, what: str) -> None:
    global CHECKS
    if not truth:
        raise AssertionError(what)
    CHECKS += 1


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def curl(url: str, *fields: str) -> tuple[int, dict]:
    command = ["curl", "-sS", "-w", "\n%{http_code}", url]
    for field in fields:
        command += ["-H", field]
    out = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    body, _, status = out.rpartition("\n")
    return int(status), json.loads(body or "{}")


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def block(code: str) -> BlockBuilder:
    return BlockBuilder(code)


def cases(one: KeyPair, two: KeyPair, stranger: KeyPair):
    """Name, token, path, and the user that it acts for or the reason why not."""
    now = datetime.now(timezone.utc)

    def mint(code: str, key=one, values=None) -> Biscuit:
        return BiscuitBuilder(code, values or {}).build(key.private_key)

    def until(end: datetime, key=one) -> Biscuit:
        return mint("user({u}); check if time($t), $t < {end}", key, {"u": "ada", "end": end})

    plain, grouped = mint('user("ada")'), mint('user("ada"); group("ada", "buyers")')
    yield "plain", plain, "/open/a", "ada"
    yield "of the second key", mint('user("ada")', two), "/open/a", "ada"
    yield "of a stranger", mint('user("ada")', stranger), "/open/a", "capability-invalid"
    yield "with an end", until(now + timedelta(hours=1)), "/open/a", "ada"
    yield "past its end", until(now - timedelta(hours=1)), "/open/a", "capability-expired"
    yield "narrowed until later", plain.append(BlockBuilder("check if time($t), $t < {end}", {"end": now + timedelta(hours=1)})), "/open/a", "ada"
    yield "narrowed until yesterday", plain.append(BlockBuilder("check if time($t), $t < {end}", {"end": now - timedelta(days=1)})), "/open/a", "capability-expired"
    yield "for this preview", mint('user("ada"); preview("pr-1")'), "/open/a", "ada"
    yield "for another preview", mint('user("ada"); preview("pr-2")'), "/open/a", "capability-forbids"
    yield "narrowed to this path", plain.append(block('check if path($p), $p.starts_with("/open/")')), "/open/a", "ada"
    yield "narrowed to another path", plain.append(block('check if path("/orders")')), "/open/a", "capability-forbids"
    yield "narrowed to reading", plain.append(block('check if method($m), ["GET", "HEAD"].contains($m)')), "/open/a", "ada"
    yield "narrowed to nothing", plain.append(block("check if false")), "/open/a", "capability-forbids"
    yield "narrowed thrice", plain.append(block("check if true")).append(block('check if user("ada")')).append(block("check if path($p)")), "/open/a", "ada"
    yield "with a shadow of another user", plain.append(block('user("bob"); check if user("bob")')), "/open/a", "ada"
    yield "with a rule of its holder", plain.append(block("admin($u) <- user($u)")), "/open/a", "capability-too-large"
    yield "without a user", mint('name("ada")'), "/open/a", "capability-invalid"
    yield "of two users", mint('user("ada"); user("bob")'), "/open/a", "capability-invalid"
    yield "with a word of its own for the path", mint('user("ada"); path("/open/a")'), "/open/a", "capability-invalid"
    yield "with a right", grouped, "/buyers", "ada"
    yield "without a right", plain, "/buyers", "not-authorized"
    yield "with a right of its holder's making", plain.append(block('group("ada", "buyers")')), "/buyers", "not-authorized"
    stamp = plain.third_party_request().create_block(stranger.private_key, block('reviewed("ada")'))
    yield "with another's block", plain.append_third_party(stranger.public_key, stamp), "/open/a", "ada"


def bound(door: str, issuer: KeyPair) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    jwk = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(jwk, separators=(",", ":"), sort_keys=True)
    thumbprint = encode(hashlib.sha256(text.encode()).digest())
    values = {"t": thumbprint}
    token = BiscuitBuilder('user("ada"); bound_key({t})', values).build(issuer.private_key).to_base64()

    def proof(**changes) -> str:
        claims = {
            "jti": str(uuid.uuid4()), "htm": "GET", "htu": door + "/open/a", "iat": int(time.time()),
            "ath": encode(hashlib.sha256(token.encode()).digest()),
        }
        return jwt.encode(claims | changes, key, "ES256", headers={"typ": "dpop+jwt", "jwk": jwk})

    scheme, once = f"Authorization: DPoP {token}", proof()
    for name, fields, expected in [
        ("with its proof", [scheme, f"DPoP: {once}"], "ada"),
        ("with its proof again", [scheme, f"DPoP: {once}"], "proof-invalid"),
        ("with another proof", [scheme, f"DPoP: {proof()}"], "ada"),
        ("without a proof", [scheme], "proof-invalid"),
        ("as a bearer", [f"Authorization: Bearer {token}", f"DPoP: {proof()}"], "proof-invalid"),
        ("with a proof for a POST", [scheme, f"DPoP: {proof(htm='POST')}"], "proof-invalid"),
        ("with a proof for another page", [scheme, f"DPoP: {proof(htu=door + '/open/b')}"], "proof-invalid"),
        ("with a proof of an hour ago", [scheme, f"DPoP: {proof(iat=int(time.time()) - 3600)}"], "proof-invalid"),
        ("with a proof for another token", [scheme, f"DPoP: {proof(ath=encode(b'x' * 32))}"], "proof-invalid"),
    ]:
        judge(f"bound, {name}", curl(door + "/open/a", *fields), expected)


def pod(address: str) -> PublicKey:
    """The key that proves what the app is told."""
    status, keys = curl(f"{address}/.well-known/chaperone/keys.json")
    check(status == 200 and len(keys["keys"]) == 1, f"{status} {keys}")
    x = keys["keys"][0]["x"]
    return PublicKey.from_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)), Algorithm.Ed25519)


def judge(name: str, answer: tuple[int, dict], expected: str) -> None:
    status, body = answer
    if status == 200:
        told = Biscuit.from_base64(body.pop("told"), POD).block_source(0)
        check(f'subject("{expected}");' in told, f"{name}: the app is told {told}, expected {expected}")
        check(body == {"user": expected, "shown": []}, f"{name}: passed as {body}, expected {expected}")
    else:
        check(body.get("code") == expected, f"{name}: {status} {body}, expected {expected}")


def main() -> None:
    chaperone = Path(sys.argv[1]).resolve()
    one, two, stranger = KeyPair(), KeyPair(), KeyPair()
    app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        door, health = free_port(), free_port()
        (folder / "one.pub").write_text(repr(one.public_key))
        (folder / "two.pem").write_text(repr(two.public_key))
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "chaperone.yaml").write_text(CONFIG.format(door=door, health=health, app=app.server_port))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([chaperone, "run", "--config", "chaperone.yaml"], cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(600):
                assert process.poll() is None, (folder / "log").read_text()
                ready = ["curl", "-sf", f"http://127.0.0.1:{health}/readyz"]
                if subprocess.run(ready, capture_output=True).returncode == 0:
                    break
                time.sleep(0.1)
            address = f"http://127.0.0.1:{door}"
            global POD
            POD = pod(address)
            for name, token, path, expected in cases(one, two, stranger):
                text = token.to_base64()
                judge(name, curl(address + path, f"Authorization: Bearer {text}"), expected)
                judge(name, curl(address + path, f"Chaperone-Capability: {text}"), expected)
            bound(address, one)
        finally:
            process.terminate()
            process.wait(timeout=60)
    print(f"{CHECKS} checks hold")


if __name__ == "__main__":
    main()
