#!/usr/bin/env python3
"""Serves real files through chaperone and holds every answer to the file on the disk.

usage: honest.py PATH/TO/chaperone [--list] [--kind N]

The files are those that a machine with Rust and Python has: the sources of the crates, Python's
library, the documentation beside both. With them come tables that data packages ship, and pages,
subtitles and feeds in some 50 charsets from the tests of a library that guesses them, each under the
charset that stands over it there. Each is served on a public route with the type that a file
server gives it, under the packs `pii` and `secrets`. Its bytes must arrive as they are, but for
placeholders, and what stood in a placeholder's place must look like what it names. Blocked may be
only what can't be read: no text in its charset, a zero byte, a JSON document
that is none, a document that names another charset than it is in. Exit status 0 when
all of that holds for at least 2,000 files, 1 otherwise.
"""
import argparse
import codecs
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
HONEST = os.path.join(HERE, "..", "..", "target", "honest")
LEAST, LARGEST = 2000, 256 << 10
TABLES, FOREIGN = 200, 300
TYPES = {
    "c": "text/x-c", "css": "text/css", "csv": "text/csv", "h": "text/x-c", "htm": "text/html", "html": "text/html",
    "js": "text/javascript", "json": "application/json", "jsonl": "application/jsonl", "md": "text/markdown", "mjs": "text/javascript",
    "ndjson": "application/x-ndjson", "py": "text/x-python", "rs": "text/rust", "rst": "text/x-rst", "sh": "application/x-sh",
    "svg": "image/svg+xml", "toml": "application/toml", "tsv": "text/tab-separated-values", "txt": "text/plain",
    "xhtml": "application/xhtml+xml", "xml": "application/xml", "yaml": "application/yaml", "yml": "application/yaml",
}
# What the values of the commonest detectors are made of, written for this test; of the others only the length is bounded.
PATTERNS = {
    "email": rb"[^\s@]{1,64}(?:@|&#x0*40;|&#0*64;)[^\s@]{4,255}?",
    "ipv4": rb"\d{1,3}(?:\.\d{1,3}){3}",
    "ipv6": rb"[0-9A-Fa-f:.]{2,45}?",
    "payment-card": rb"\d(?:[ .-]?\d){11,18}",
    "phone": rb"[+(0-9][0-9 ().+/-]{6,30}?",
    "us-ssn": rb"\d{3}[ -]\d\d[ -]\d{4}",
}
# The charsets of the folders there that browsers know, as they call them, and as Python does where that differs.
CHARSETS = {
    "big5": ("big5", "big5hkscs"), "cp932": ("windows-31j", "cp932"), "cp949": ("windows-949", "cp949"), "euc-jp": ("euc-jp", None),
    "euc-kr": ("euc-kr", "cp949"), "gb2312": ("gb2312", "gbk"), "ibm866": ("ibm866", None), "koi8-r": ("koi8-r", None),
    "maccyrillic": ("x-mac-cyrillic", "mac_cyrillic"), "macroman": ("macintosh", "mac_roman"), "shift_jis": ("shift_jis", "cp932"),
    "tis-620": ("tis-620", "cp874"), "utf-16": ("utf-16", None), "utf-16be": ("utf-16be", None), "utf-16le": ("utf-16le", None),
    "ascii": ("us-ascii", None), "utf-8": ("utf-8", None), "utf-8-sig": ("utf-8", None),
    "iso-8859-1": ("iso-8859-1", "cp1252"), "iso-8859-9": ("iso-8859-9", "cp1254"),
}
# What no browser decodes, or what is no one reading: these files must be blocked.
UNREAD = ("euc-tw", "ibm855", "johab", "utf-32", "utf-32be", "utf-32le", "iso-2022-jp", "iso-2022-kr")
NAMED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([a-z0-9_.:-]+)", re.IGNORECASE)
# Where ASCII may be the end of a letter, and mail right behind what is none.
CUT = ("gbk", "big5hkscs", "cp932", "cp949", "gb18030")
GLUED = re.compile(rb"[\x80-\xff][A-Za-z0-9._%+-]+@[A-Za-z0-9]")
# What stands for text is declared here, or by an address of the app's own.
ENTITIES = re.compile(rb"<!ENTITY\s+(?:%\s+)?\S+\s+(?:[\"']|SYSTEM)")
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
        os.path.join(HONEST, "lib"),
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
    chosen = [(kind, path, None) for kind in sorted(kinds) for _, path in sorted(kinds[kind].items())[:most]]
    return chosen + sorted(foreign())


def foreign():
    """Files in other charsets, each with the name of its folder."""
    for folder, _, names in os.walk(os.path.join(HONEST, "tests")):
        charset = re.sub(r"^((?:iso|windows)-[0-9-]*[0-9])-[a-z]+$", r"\1", os.path.basename(folder).lower())
        if charset in CHARSETS or charset in UNREAD or re.fullmatch(r"(iso-8859|windows)-[0-9]+", charset):
            for name in names:
                kind = os.path.splitext(name)[1][1:].lower()
                yield kind if kind in TYPES else "txt", os.path.join(folder, name), charset


def typed(kind, charset):
    """The content type of a file."""
    if charset is None:
        return TYPES[kind]
    return f"{TYPES[kind]}; charset={CHARSETS.get(charset, (charset, None))[0]}"


class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    files = ()

    def do_GET(self):
        kind, path, charset = self.files[int(self.path.rpartition("/")[2])]
        with open(path, "rb") as file:
            data = file.read()
        self.send_response(200)
        self.send_header("Content-Type", typed(kind, charset))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_):
        pass


def codec(charset):
    label, python = CHARSETS.get(charset, (charset, None))
    return python or label


def is_readable(kind, data, charset):
    if charset in UNREAD:
        return False
    try:
        text = data.decode(codec(charset or "utf-8"))
        if charset and charset != "utf-16" and text.encode(codec(charset)) != data:
            return False
        if kind in ("css", "htm", "html", "svg", "xhtml", "xml") and not data.isascii():
            reading = codecs.lookup(codec(charset or "utf-8"))
            if any(names_other(name.decode().lower(), reading) for name in NAMED.findall(data)):
                return False
        if ENTITIES.search(data):
            return kind not in ("svg", "xhtml", "xml")
        # Behind a letter of two bytes it may be half of one: docs/policy-reference.md, charsets.
        if codec(charset or "utf-8") in CUT and GLUED.search(data):
            return False
        if kind == "json":
            json.loads(text, parse_constant=lambda word: float("unknown"))
        return "\0" not in text
    except ValueError:
        return False


def names_other(name, reading):
    try:
        return codecs.lookup(codec(name)) != reading
    except LookupError:
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
        kind, path, charset = files[number]
        with open(path, "rb") as file:
            came = file.read()
        status, left = fetch(local, proxy_port, token, number)
        if status == 200 and left is not None:
            if charset in UNREAD:
                return number, "passed in a charset that can't be read", []
            if charset in ("utf-16", "utf-16be", "utf-16le"):
                came, left = (text.decode(codec(charset), "surrogatepass").encode("utf-8", "surrogatepass") for text in (came, left))
            return number, *difference(came, left)
        if not is_readable(kind, came, charset) and (left is None or b"answer-malformed" in left or b"type-unsupported" in left):
            return number, None, None
        return number, f"{status} {(left or b'broke off')[:300]!r}", []

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number, fault, detectors in pool.map(one, range(len(files))):
            kind, path, charset = files[number]
            if fault:
                wrong.append(f"{path} ({typed(kind, charset)}): {fault}")
            elif detectors is None:
                blocked += 1
                unreadable[charset or kind] += 1
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
        tables, others = (sum(map(test, files)) for test in (lambda file: file[0] in ("csv", "tsv"), lambda file: bool(file[2])))
        is_enough = len(files) >= LEAST and tables >= TABLES and others >= FOREIGN
        if not is_enough:
            print(f"too few: {len(files)} files, {tables} tables, {others} in other charsets; tests/run fetches what is missing")
        return 0 if not wrong and is_enough else 1
    finally:
        if proxy:
            proxy.terminate()
            proxy.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
