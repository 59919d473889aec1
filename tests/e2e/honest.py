#!/usr/bin/env python3
"""Serves real files through chaperone and holds every answer to the file on the disk.

usage: honest.py PATH/TO/chaperone [--list] [--kind N]

The files are those that a machine with Rust and Python has: the sources of the crates, Python's
library, the documentation beside both. Each is served on a public route with the type that a file
server gives it, under the packs `pii` and `secrets`. Its bytes must arrive as they are, but for
placeholders, and what stood in a placeholder's place must look like what it names. Blocked may be
only what can't be read: no UTF-8, a zero byte, a JSON document that is none. Exit status 0 when
all of that holds for at least 2,000 files, 1 otherwise.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LEAST, LARGEST = 2000, 256 << 10
TYPES = {
    "c": "text/x-c", "css": "text/css", "csv": "text/csv", "h": "text/x-c", "htm": "text/html", "html": "text/html",
    "js": "text/javascript", "json": "application/json", "jsonl": "application/jsonl", "md": "text/markdown", "mjs": "text/javascript",
    "ndjson": "application/x-ndjson", "py": "text/x-python", "rs": "text/rust", "rst": "text/x-rst", "sh": "application/x-sh",
    "svg": "image/svg+xml", "toml": "application/toml", "tsv": "text/tab-separated-values", "txt": "text/plain",
    "xhtml": "application/xhtml+xml", "xml": "application/xml", "yaml": "application/yaml", "yml": "application/yaml",
}
# What the values of the commonest detectors are made of, written for this test; of the others only the length is bounded.
PATTERNS = {
    "email": rb"[^\s@]{1,64}@[^\s@]{4,255}?",
    "ipv4": rb"\d{1,3}(?:\.\d{1,3}){3}",
    "ipv6": rb"[0-9A-Fa-f:.]{2,45}?",
    "payment-card": rb"\d(?:[ -]?\d){11,18}",
    "phone": rb"[+(0-9][0-9 ().+/-]{6,30}?",
    "us-ssn": rb"\d{3}[ -]\d\d[ -]\d{4}",
}
PLACEHOLDER = re.compile(rb"\[redacted:([a-z0-9-]+)\]")


def roots():
    home = os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo")
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True).stdout.strip()
    return [
        os.path.join(home, "registry", "src"),
        sysconfig.get_path("stdlib"),
        *([os.path.join(sysroot, "share", "doc")] if sysroot else []),
        "/usr/share/doc",
        os.path.join(HERE, "..", "..", "target", "venv"),
    ]


def corpus(most):
    """At most `most` different files of each kind, chosen by their names alone."""
    kinds = collections.defaultdict(dict)
    for root in roots():
        for folder, _, names in os.walk(root):
            for name in names:
                kind = os.path.splitext(name)[1][1:].lower()
                path = os.path.join(folder, name)
                if kind in TYPES and os.path.isfile(path) and not os.path.islink(path) and 0 < os.path.getsize(path) <= LARGEST:
                    kinds[kind][hashlib.sha256(os.path.relpath(path, root).encode()).digest()] = path
    return [(kind, path) for kind in sorted(kinds) for _, path in sorted(kinds[kind].items())[:most]]


class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    files = ()

    def do_GET(self):
        kind, path = self.files[int(self.path.rpartition("/")[2])]
        with open(path, "rb") as file:
            data = file.read()
        self.send_response(200)
        self.send_header("Content-Type", TYPES[kind])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_):
        pass


def is_readable(kind, data):
    try:
        text = data.decode()
        if kind == "json":
            json.loads(text, parse_constant=lambda word: float("unknown"))
        return b"\0" not in data
    except ValueError:
        return False


def difference(came, left):
    """What is wrong about the answer `left` to the file `came`, or the detectors that changed it."""
    if came == left:
        return None, []
    parts = PLACEHOLDER.split(left)
    texts, detectors = parts[0::2], [name.decode() for name in parts[1::2]]
    if not detectors:
        return "changed without a placeholder", []
    pattern = re.escape(texts[0])
    for detector, text in zip(detectors, texts[1:]):
        pattern += b"(?:" + PATTERNS.get(detector, rb".{1,8192}?") + b")" + re.escape(text)
    if re.fullmatch(pattern, came, re.DOTALL):
        return None, detectors
    return "changed beside the placeholders", detectors


def fetch(local, port, token, number):
    """Status and body; None where the answer broke off."""
    for attempt in (1, 2):
        if not getattr(local, "conn", None):
            local.conn = http.client.HTTPConnection("127.0.0.1", port)
        try:
            local.conn.request("GET", f"/files/{number}", headers={"Host": "files.example", "Authorization": f"Bearer {token}"})
            answer = local.conn.getresponse()
        except (OSError, http.client.HTTPException):
            # A connection that was kept may have been closed meanwhile.
            local.conn.close()
            local.conn = None
            if attempt == 2:
                raise
            continue
        try:
            body = answer.read()
        except (OSError, http.client.HTTPException):
            local.conn.close()
            local.conn = None
            return answer.status, None
        return answer.status, body


def run(proxy_port, token, files):
    local = threading.local()
    wrong, unreadable, blocked, found, changed = [], collections.Counter(), 0, collections.Counter(), 0

    def one(number):
        kind, path = files[number]
        with open(path, "rb") as file:
            came = file.read()
        status, left = fetch(local, proxy_port, token, number)
        if status == 200 and left is not None:
            return number, *difference(came, left)
        if not is_readable(kind, came) and (left is None or b"answer-malformed" in left):
            return number, None, None
        return number, f"{status} {(left or b'broke off')[:300]!r}", []

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number, fault, detectors in pool.map(one, range(len(files))):
            kind, path = files[number]
            if fault:
                wrong.append(f"{path} ({TYPES[kind]}): {fault}")
            elif detectors is None:
                blocked += 1
                unreadable[kind] += 1
            else:
                changed += bool(detectors)
                found.update((detector, kind) for detector in detectors)
    return wrong, unreadable, blocked, found, changed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chaperone")
    parser.add_argument("--kind", type=int, default=600, help="files of each kind, at most")
    parser.add_argument("--list", action="store_true", help="print what was found, by detector and kind")
    args = parser.parse_args()
    chaperone = os.path.abspath(args.chaperone)
    files = Files.files = corpus(args.kind)
    work = tempfile.mkdtemp(prefix="chaperone-honest-")
    proxy = None
    try:
        shutil.copy(os.path.join(HERE, "honest", "policy.yaml"), work)
        subprocess.run([chaperone, "token", "keygen", "--jwks", "--kid", "k1", "--out", "issuer"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        token = subprocess.run(
            [chaperone, "token", "mint", "--jwt", "--key", "issuer.key", "--kid", "k1", "--issuer", "https://id.example", "--audience", "honest",
             "--user", "u-alice", "--expires", "1h"], cwd=work, check=True, capture_output=True, text=True).stdout.strip()
        upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with open(os.path.join(work, "chaperone.yaml"), "w") as config:
            config.write(
                f'listen: {{ inbound: "127.0.0.1:{port}", health: "127.0.0.1:0", admin: "unix:{work}/admin.sock" }}\n'
                f'upstream: {{ url: "http://127.0.0.1:{upstream.server_address[1]}" }}\n'
                "policy: policy.yaml\npreview: pr-1\nrevision: 4f2c9e1\naudit: { to: file, file: audit.jsonl }\n")
        proxy = subprocess.Popen([chaperone, "run", "--config", "chaperone.yaml"], cwd=work, stderr=open(os.path.join(work, "log"), "w"))
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if proxy.poll() is not None:
                    print(open(os.path.join(work, "log")).read()[-2000:])
                    return 1
                time.sleep(0.05)
        start = time.monotonic()
        wrong, unreadable, blocked, found, changed = run(port, token, files)
        for line in wrong:
            print(line)
        if args.list:
            for (detector, kind), count in found.most_common():
                print(f"{count:6} {detector} in {kind}")
        print(f"{len(files)} files in {time.monotonic() - start:.0f} s: {len(files) - blocked - changed - len(wrong)} unchanged, {changed} with "
              f"{sum(found.values())} placeholders, {blocked} that can't be read ({dict(unreadable)}), {len(wrong)} wrong")
        return 0 if not wrong and len(files) >= LEAST else 1
    finally:
        if proxy:
            proxy.terminate()
            proxy.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
