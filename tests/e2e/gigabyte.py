#!/usr/bin/env python3
"""Streams a 1 GiB JSON array of orders through chaperone and holds it to an independent oracle.

usage: gigabyte.py PATH/TO/chaperone [--mib 1024]

The upstream plants the values, so it knows what must come out: the subject's orders alone, other
people's e-mail addresses, cards, IBANs, SSNs and keys replaced, every other byte as it was. The
SHA-256 of what arrives must be that of what the generator expects, and the sidecar's resident
memory may grow by less than 16 MiB. Exit status 0 when both hold, 1 otherwise.
"""
import argparse
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCKS, ORDERS = 48, 2400
ALICE, MAIL = "u-alice", "alice@shop.example"
FIRST = "Ada Bruno Chloé Dmitri Élodie Farid Grace Hanna İpek José Kaoru Łucja".split()
LAST = "Ångström Brown Carvalho Dubois Erdoğan Fischer García Hansen Ito Jones".split()


def luhn(rng):
    digits = [4] + [rng.randrange(10) for _ in range(14)]
    total = sum(d if i % 2 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits))
    return "".join(map(str, digits + [-total % 10]))


def iban(rng):
    bban = "".join(str(rng.randrange(10)) for _ in range(18))
    return f"DE{98 - int(bban + '131400') % 97:02d}{bban}"


def order(rng, number):
    """One order as the app writes it, and what must be left of it for Alice (None: nothing)."""
    mine = rng.random() < 0.2
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    mail = MAIL if mine else f"{rng.choice(FIRST).encode('ascii', 'ignore').decode().lower()}{rng.randrange(999)}@mail.example"
    note, clean = rng.choice((
        ("Leave it at the door", None),
        ('She said \\"ring twice\\"\\n', None),
        ("ask friend%d@other.example about it" % rng.randrange(999), "email"),
        ("call about card %s please" % luhn(rng), "payment-card"),
        ("refund to %s, thanks" % iban(rng), "iban"),
        ("ssn 536-%02d-%04d" % (rng.randrange(10, 99), rng.randrange(1000, 9999)), "us-ssn"),
        ("old key AKIA" + "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)), "aws-access-key-id"),
    ))
    head = '{"id":%d,"placed":"2026-%02d-%02dT%02d:15:00Z","customer":{"id":"%s","name":%s,"email":"%s"},"lines":[' % (
        number, rng.randrange(1, 13), rng.randrange(1, 29), rng.randrange(24), ALICE if mine else "u-%04d" % rng.randrange(5000), json.dumps(name, ensure_ascii=number % 2 == 0), mail)
    lines = ", ".join('{"sku": "SKU-%04d", "qty": %d, "price": %d.%02d}' % (rng.randrange(9999), rng.randrange(1, 9), rng.randrange(900), rng.randrange(100)) for _ in range(rng.randrange(1, 4)))
    tail = '],"total":%d.50,"paid":%s,"note":"%s"}'
    total, paid = rng.randrange(5000), rng.choice(("true", "false", "null"))
    came = head + lines + tail % (total, paid, note)
    if not mine:
        return came, None
    if clean:
        found = {
            "email": r"friend\d+@other\.example", "payment-card": r"\d{16}", "iban": r"DE\d{20}",
            "us-ssn": r"536-\d\d-\d{4}", "aws-access-key-id": r"AKIA[A-Z2-7]{16}",
        }[clean]
        note = re.sub(found, f"[redacted:{clean}]", note)
    return came, head + lines + tail % (total, paid, note)


def blocks():
    rng = random.Random(20261123)
    made = []
    for block in range(BLOCKS):
        orders = [order(rng, block * ORDERS + i) for i in range(ORDERS)]
        came = ",".join("\n" + o for o, _ in orders).encode()
        left = ",".join("\n" + o for _, o in orders if o is not None).encode()
        made.append((came, left))
    return made


def serve(listener, made, size):
    """Answers every connection with an array of at least `size` bytes, chunked."""
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        with conn:
            head = b""
            while b"\r\n\r\n" not in head:
                head += conn.recv(65536)
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")

            def chunk(data):
                conn.sendall(b"%x\r\n" % len(data))
                conn.sendall(data)
                conn.sendall(b"\r\n")
            try:
                chunk(b"[")
                for number, (came, _) in enumerate(sequence(made, size)):
                    chunk((b"," if number else b"") + came)
                chunk(b"\n]\n")
                conn.sendall(b"0\r\n\r\n")
            except ConnectionError:
                pass


def sequence(made, size):
    sent, number = 0, 0
    while sent < size:
        yield made[number % len(made)]
        sent += len(made[number % len(made)][0])
        number += 1


def expected(made, size):
    oracle = hashlib.sha256(b"[")
    for number, (_, left) in enumerate(sequence(made, size)):
        oracle.update((b"," if number else b"") + left)
    oracle.update(b"\n]\n")
    return oracle.hexdigest()


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024


def fetch(port, token, pid, hashed):
    """Fetches the orders; returns status, bytes, seconds, seconds to the first byte, highest resident memory."""
    start = time.monotonic()
    conn = socket.create_connection(("127.0.0.1", port))
    conn.sendall(f"GET /api/orders HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode())
    stream = conn.makefile("rb", 1 << 20)
    status = int(stream.readline().split()[1])
    chunked = False
    while (line := stream.readline()) not in (b"\r\n", b""):
        chunked |= line.lower().startswith(b"transfer-encoding: chunked")
    if not chunked:
        return status, stream.read()[:500], 0, 0, 0
    size, first, peak, number = 0, None, 0, 0
    while True:
        line = stream.readline()
        if not line:
            raise SystemExit(f"the answer broke off after {size} bytes")
        length = int(line, 16)
        if length == 0:
            break
        first = first or time.monotonic() - start
        hashed.update(stream.read(length))
        stream.read(2)
        size += length
        number += 1
        if number % 64 == 0:
            peak = max(peak, resident(pid))
    return status, size, time.monotonic() - start, first, max(peak, resident(pid))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chaperone")
    parser.add_argument("--mib", type=int, default=1024)
    args = parser.parse_args()
    chaperone = os.path.abspath(args.chaperone)
    size = args.mib << 20
    made = blocks()
    work = tempfile.mkdtemp(prefix="chaperone-gigabyte-")
    proxy = None
    try:
        shutil.copy(os.path.join(HERE, "gigabyte", "policy.yaml"), work)
        subprocess.run([chaperone, "token", "keygen", "--jwks", "--kid", "k1", "--out", "issuer"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        token = subprocess.run(
            [chaperone, "token", "mint", "--jwt", "--key", "issuer.key", "--kid", "k1", "--issuer", "https://id.example", "--audience", "gigabyte",
             "--user", ALICE, "--attribute", f"email={MAIL}", "--expires", "1h"], cwd=work, check=True, capture_output=True, text=True).stdout.strip()
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=serve, args=(listener, made, size), daemon=True).start()
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with open(os.path.join(work, "chaperone.yaml"), "w") as config:
            config.write(
                f'listen: {{ inbound: "127.0.0.1:{port}", health: "127.0.0.1:0", admin: "unix:{work}/admin.sock" }}\n'
                f'upstream: {{ url: "http://127.0.0.1:{listener.getsockname()[1]}" }}\n'
                "policy: policy.yaml\npreview: pr-1\nrevision: 4f2c9e1\naudit: { to: file, file: audit.jsonl }\n")
        proxy = subprocess.Popen([chaperone, "run", "--config", "chaperone.yaml"], cwd=work, stderr=open(os.path.join(work, "log"), "w"))
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if proxy.poll() is not None:
                    break
                time.sleep(0.05)
        before = resident(proxy.pid)
        hashed = hashlib.sha256()
        status, length, seconds, first, peak = fetch(port, token, proxy.pid, hashed)
        if status != 200:
            print(f"status {status}: {length!r}")
            print(open(os.path.join(work, "log")).read()[-2000:])
            return 1
        same = hashed.hexdigest() == expected(made, size)
        came = sum(len(block) for block, _ in sequence(made, size))
        grown = (peak - before) / (1 << 20)
        print(f"{came / (1 << 20):.0f} MiB in, {length / (1 << 20):.0f} MiB out, {came / seconds / 1e6:.0f} MB/s, first byte {first * 1000:.1f} ms, "
              f"resident {before / (1 << 20):.1f} MiB, grown by {grown:.1f} MiB, output {'is' if same else 'IS NOT'} the oracle's")
        return 0 if same and grown < 16 else 1
    finally:
        if proxy:
            proxy.terminate()
            proxy.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
