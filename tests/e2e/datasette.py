"""Datasette behind chaperone: what comes out is exactly what SQL says the user owns.

    python tests/e2e/datasette.py CHAPERONE

Starts Datasette over a generated shop, chaperone before it with policies/datasette, and asks as one
user with a JWT and as another with a Biscuit. Every row that comes out, and every page, is compared,
byte for byte, with what Datasette itself says; in a user's own rows only the values of others that the generator
planted may be replaced, each by its detector's placeholder.
"""

import csv
import html
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

import shop

HERE = Path(__file__).resolve().parent
POLICY = HERE.parent.parent / "policies" / "datasette" / "policy.yaml"
CHECKS = 0


def check(truth: bool, what: str) -> None:
    global CHECKS
    if not truth:
        raise AssertionError(what)
    CHECKS += 1


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}:\n{log.read_text()}")
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{log.read_text()}")


@contextmanager
def running(command: list, folder: Path, name: str, ready: str):
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([str(part) for part in command], cwd=folder, stdout=out, stderr=out)
    try:
        wait_for(ready, process, log)
        yield
    finally:
        process.terminate()
        try:
            code = process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if name == "chaperone":
        check(code == 0, f"chaperone ended with {code}:\n{log.read_text()}")


# What Datasette's answers are made of, as slices of their text.

DECODER = json.JSONDecoder()


def skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def elements(text: str) -> list[str]:
    """The elements of a JSON array, each as it is written."""
    at = skip(text, 0)
    assert text[at] == "[", text[:80]
    at, found = skip(text, at + 1), []
    while text[at] != "]":
        _, end = DECODER.raw_decode(text, at)
        found.append(text[at:end])
        at = skip(text, end)
        if text[at] == ",":
            at = skip(text, at + 1)
            assert text[at] != "]", "a comma before the end"
    assert not text[at + 1:].strip(), "something stands behind the array"
    return found


def members(text: str) -> dict[str, str]:
    """The members of a JSON object, each value as it is written."""
    at = skip(text, 0)
    assert text[at] == "{", text[:80]
    at, found = skip(text, at + 1), {}
    while text[at] != "}":
        name, end = DECODER.raw_decode(text, at)
        at = skip(text, end)
        assert text[at] == ":"
        at = skip(text, at + 1)
        _, end = DECODER.raw_decode(text, at)
        found[name] = text[at:end]
        at = skip(text, end)
        if text[at] == ",":
            at = skip(text, at + 1)
    return found


class Person:
    def __init__(self, person: dict, token: str, owned: list[int]):
        self.id, self.token, self.owned = person["id"], token, owned


class World:
    def __init__(self, app: str, door: str, database: Path, planted: dict[int, list]):
        self.app, self.door, self.planted = app, door, planted
        self.sql = sqlite3.connect(database)
        self.asked = 0

    def ids(self, query: str, *arguments) -> list[int]:
        return [row[0] for row in self.sql.execute(query, arguments)]

    def said(self, path: str) -> str:
        """What Datasette itself says."""
        answer = httpx.get(self.app + path, timeout=60)
        check(answer.status_code == 200, f"Datasette: {answer.status_code} for {path}")
        return answer.text

    def curl(self, person: Person | None, path: str) -> tuple[int, dict, str]:
        self.asked += 1
        command = ["curl", "-sS", "-D", "-", self.door + path]
        if person:
            command += ["-H", f"Authorization: Bearer {person.token}"]
        out = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        head, _, body = out.partition("\r\n\r\n")
        lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), headers, body

    def browser(self, person: Person | None, path: str) -> tuple[int, dict, str]:
        self.asked += 1
        headers = {
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Encoding": "gzip, deflate, br",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Sec-Fetch-Mode": "navigate",
        }
        if person:
            headers["Authorization"] = f"Bearer {person.token}"
        answer = httpx.get(self.door + path, headers=headers, timeout=60)
        return answer.status_code, dict(answer.headers), answer.text

    def clients(self):
        return [("curl", self.curl), ("browser", self.browser)]

    def expected(self, rows: list[str], column, person: Person) -> list[str]:
        """The rows of `person` among what Datasette said, with others' planted values covered."""
        kept = []
        for raw in rows:
            row = json.loads(raw)
            if row[column] != person.id:
                continue
            identity = row["id"] if column == "user_id" else row[0]
            for plant in self.planted.get(identity, []):
                check(plant["value"] in raw, f"the generator lied about order {identity}")
                raw = raw.replace(plant["value"], f'[redacted:{plant["detector"]}]')
            kept.append(raw)
        return kept


def same(found: list[str], wanted: list[str], what: str) -> None:
    for number, (one, other) in enumerate(zip(found, wanted)):
        check(one == other, f"{what}: row {number} differs\n  came out: {one}\n  expected: {other}")
    check(len(found) == len(wanted), f"{what}: {len(found)} rows instead of {len(wanted)}")


def identities(rows: list[str], column) -> list[int]:
    return [json.loads(raw)[column] for raw in rows]


def tables(world: World, person: Person) -> None:
    for name, ask in world.clients():
        what = f"{person.id}, {name}"
        path = "/shop/orders.json?_shape=array&_size=max"
        status, headers, body = ask(person, path)
        check(status == 200, f"{what}: {status} {body[:300]}")
        check(headers["cache-control"] == "no-store", f"{what}: {headers}")
        check("chaperone-decision" in headers, f"{what}: no decision id")
        rows = elements(body)
        same(rows, world.expected(elements(world.said(path)), "user_id", person), f"{what}: array")
        check(identities(rows, "id") == person.owned, f"{what}: SQL says otherwise")

        path = "/shop/orders.json?_shape=array&_nl=on&_size=max"
        status, _, body = ask(person, path)
        check(status == 200, f"{what}: {status} {body[:300]}")
        rows = body.splitlines()
        same(rows, world.expected(world.said(path).splitlines(), "user_id", person), f"{what}: NDJSON")
        check(identities(rows, "id") == person.owned, f"{what}: SQL says otherwise")

        for path, column, key in [
            ("/shop/orders.json?_shape=objects&_size=max", "user_id", "id"),
            ("/shop/orders.json?_size=max", 1, 0),
        ]:
            status, _, body = ask(person, path)
            check(status == 200, f"{what}: {status} {body[:300]}")
            found, said = members(body), members(world.said(path))
            rows = elements(found.pop("rows"))
            same(rows, world.expected(elements(said["rows"]), column, person), f"{what}: {path}")
            check(identities(rows, key) == person.owned, f"{what}: SQL says otherwise")
            check(set(found) == {"database", "table", "columns", "primary_keys"}, f"{what}: {set(found)} pass")
            for member, raw in found.items():
                check(raw == said[member], f"{what}: {member} was changed")

        rows = elements(ask(person, "/shop/users.json?_shape=array")[2])
        check(identities(rows, "id") == [person.id], f"{what}: users")


def pages(world: World, person: Person) -> None:
    found, start = [], ""
    while True:
        path = f"/shop/orders.json?_shape=array&_size=700{start}"
        said = elements(world.said(path))
        if not said:
            break
        rows = elements(world.curl(person, path)[2])
        same(rows, world.expected(said, "user_id", person), f"{person.id}: {path}")
        found += identities(rows, "id")
        start = f'&_next={json.loads(said[-1])["id"]}'
        if len(said) < 700:
            break
    check(found == person.owned, f"{person.id}: the pages together")


def search(world: World, person: Person) -> None:
    for words in ["espresso", "blanket", "agreed", "kite jacket"]:
        path = f"/shop/orders.json?_shape=array&_size=max&_search={words.replace(' ', '+')}"
        rows = elements(world.curl(person, path)[2])
        same(rows, world.expected(elements(world.said(path)), "user_id", person), f"{person.id}: search {words}")
        owned = world.ids(
            "SELECT id FROM orders WHERE user_id = ? AND id IN "
            "(SELECT rowid FROM orders_fts WHERE orders_fts MATCH ?) ORDER BY id",
            person.id, " ".join(f'"{word}"' for word in words.split()),
        )
        check(sorted(identities(rows, "id")) == owned, f"{person.id}: search {words}: SQL says otherwise")
    total = world.ids("SELECT count(*) FROM orders_fts WHERE orders_fts MATCH 'espresso'")[0]
    check(total > 100, "the search has nothing to find")


def single_rows(world: World, person: Person, other: Person) -> None:
    with_plant = [identity for identity in person.owned if identity in world.planted]
    for identity in person.owned[:5] + with_plant[:5]:
        for name, ask in world.clients():
            path = f"/shop/orders/{identity}.json?_shape=array"
            status, _, body = ask(person, path)
            check(status == 200, f"{person.id}, {name}: {status} for {path}: {body[:300]}")
            wanted = world.expected(elements(world.said(path)), "user_id", person)
            same(elements(body), wanted, f"{person.id}, {name}: {path}")
            path = f"/shop/orders/{identity}.json"
            wanted = world.expected(elements(members(world.said(path))["rows"]), 1, person)
            same(elements(members(ask(person, path)[2])["rows"]), wanted, f"{person.id}, {name}: {path}")
    for identity in other.owned[:5]:
        for path in [f"/shop/orders/{identity}.json?_shape=array", f"/shop/orders/{identity}.json"]:
            status, _, body = world.curl(person, path)
            check(status == 404, f"{person.id}: {status} for another's {path}")
            check(other.id not in body, f"{person.id}: {path} names its owner")


def cover(world: World, identity: int, raw: str) -> str:
    for plant in world.planted.get(identity, []):
        check(plant["value"] in raw, f"the generator lied about order {identity}")
        raw = raw.replace(plant["value"], f'[redacted:{plant["detector"]}]')
    return raw


def streams(world: World, person: Person) -> None:
    """Tables as CSV: Datasette's own lines, those of others left out."""
    for name, ask in world.clients():
        for options in ["_stream=on", "_stream=on&_labels=on", "_size=max&_dl=on", "_stream=on&_search=espresso"]:
            what, path = f"{person.id}, {name}: CSV {options}", f"/shop/orders.csv?{options}"
            status, headers, body = ask(person, path)
            check(status == 200, f"{what}: {status} {body[:300]}")
            first, *rows = world.said(path).splitlines(keepends=True)
            columns = next(csv.reader([first]))
            at = columns.index("user_id")
            cells = [next(csv.reader([row])) for row in rows]
            wanted = [cover(world, int(cell[0]), row) for cell, row in zip(cells, rows) if cell[at] == person.id]
            same(body.splitlines(keepends=True), [first] + wanted, what)
            found = [int(row[0]) for row in csv.reader(body.splitlines()[1:])]
            if "_search" not in options:
                check(found == person.owned, f"{what}: SQL says otherwise")
            check(found and ("text/csv" in headers["content-type"]) == ("_dl" in options), f"{what}: {headers}")


ROW = re.compile(r"<tr>\s*<td class=\"col-id.*?</tr>", re.DOTALL)
OWNER = re.compile(r"<em>(u-[0-9]+)</em>")
NUMBER = re.compile(r"/shop/orders/([0-9]+)")


def page(text: str) -> str:
    """A page without what differs each time it is made."""
    return re.sub(r"Queries took [0-9.]+ms", "", text)


def filtered(world: World, person: Person, said: str) -> str:
    """What is to come of a page that Datasette said."""
    def row(match: re.Match) -> str:
        raw = match[0]
        if OWNER.search(raw)[1] != person.id:
            return ""
        return cover(world, int(NUMBER.search(raw)[1]), raw)
    return page(ROW.sub(row, said)).replace(world.app, world.door)


def browsed(world: World, person: Person, other: Person, people: list[dict]) -> None:
    """Tables as pages: whole, but for the rows of others; facets over one's own."""
    foreign = [value for one in people if one["id"] != person.id for value in (one["id"], one["email"], one["card"], one["iban"])]
    for path in [
        # Everybody's rows in one page, by a route that this test alone has.
        "/shop/orders?_sort=id&_size=500",
        "/shop/orders?_sort=id&_size=500&_next=500,500",
        "/shop/orders?_sort=id&_search=espresso&_size=500",
        f"/shop/orders?user_id={person.id}&_size=max",
        f"/shop/orders?user_id={person.id}&_size=max&_facet=item&_facet=placed",
        f"/shop/orders?user_id={person.id}&_size=10&_search=espresso",
    ]:
        for name, ask in world.clients():
            what = f"{person.id}, {name}: {path}"
            status, headers, body = ask(person, path)
            check(status == 200, f"{what}: {status} {body[:300]}")
            check(headers["content-type"].startswith("text/html"), f"{what}: {headers}")
            wanted = filtered(world, person, world.said(path))
            lines, others = page(body).split("\n"), wanted.split("\n")
            same(lines, others, what)
            for value in foreign:
                check(value not in body, f"{what}: `{value}` of another's stands in it")
            found = [int(NUMBER.search(row)[1]) for row in ROW.findall(body)]
            check(found and set(found) <= set(person.owned), f"{what}: {found[:10]}")
            if path.endswith(f"user_id={person.id}&_size=max"):
                check(found == person.owned, f"{what}: SQL says otherwise")
            if "_facet=item" in path:
                counts = re.findall(r"<li><a href=\"[^\"]*&amp;item=[^\"]*\"[^>]*>([^<]+)</a> ([0-9,]+)</li>", body)
                counted = dict(world.sql.execute("SELECT item, count(*) FROM orders WHERE user_id = ? GROUP BY item", [person.id]))
                check(len(counts) > 5, f"{what}: no facets")
                for item, count in counts:
                    check(counted[html.unescape(item)] == int(count), f"{what}: {item} is counted as {count}")
    for path, reason in [
        (f"/shop/orders?user_id={other.id}", "not-owner"),
        (f"/shop/orders?user_id={other.id}&_facet=item", "not-owner"),
        (f"/shop/orders?user_id={person.id}&_where=1%3D1", "denied-route"),
        ("/shop/orders?_facet=user_id", "no-route"),
        ("/shop/orders?email__startswith=a", "no-route"),
    ]:
        status, _, body = world.curl(person, path)
        check(status in (403, 404) and reason in body, f"{person.id}: {path}: {status} {body[:300]}")


def refused(world: World, person: Person) -> None:
    for path, status, reason in [
        ("/shop.json", 403, "denied-route"),
        ("/shop", 403, "denied-route"),
        ("/shop.json?sql=select+count(*)+from+orders&_shape=array", 403, "denied-route"),
        ("/shop/orders.json?_facet=user_id", 403, "denied-route"),
        ("/shop/orders.json?_shape=objects&_facet=user_id&_size=0", 403, "denied-route"),
        ("/-/databases.json", 403, "denied-route"),
        ("/shop/users.csv?_stream=on", 403, "no-route"),
        ("/shop/orders", 403, "no-route"),
        ("/shop/users.json", 403, "no-route"),
        ("/", 403, "no-route"),
    ]:
        found, headers, body = world.curl(person, path)
        check(found == status and reason in body, f"{path}: {found} {body[:300]}")
        check(headers["content-type"].startswith("application/problem+json"), f"{path}: {headers}")
        found, headers, body = world.browser(person, path)
        check(found == status and reason in body, f"browser: {path}: {found} {body[:300]}")
        check(headers["content-type"].startswith("text/html"), f"browser: {path}: {headers}")
    for _, ask in world.clients():
        status, headers, body = ask(None, "/shop/orders.json?_shape=array")
        check(status == 401 and "capability-missing" in body, f"no token: {status} {body[:300]}")
        check("www-authenticate" in headers, f"no token: {headers}")


def log(world: World, folder: Path, people: list[dict]) -> None:
    text = (folder / "audit.jsonl").read_text()
    records = [json.loads(line) for line in text.splitlines()]
    check(len(records) == world.asked, f"{len(records)} audit records for {world.asked} requests")
    check([record["sequence"] for record in records] == list(range(1, world.asked + 1)), "the sequence has a gap")
    for person in people:
        for value in [person["email"], person["phone"], person["card"], person["iban"], f'"{person["id"]}"']:
            check(value not in text, f"`{value}` stands in the audit log")


def chaperone(program: Path, *arguments) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    check(done.returncode == 0, f"chaperone {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout.strip()


def tokens(program: Path, folder: Path, alice: dict, bob: dict) -> tuple[str, str]:
    """A JWT for one, signed by an identity provider of our own; a Biscuit for the other."""
    keys = folder / "keys"
    keys.mkdir()
    provider = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(provider.public_key()))
    (keys / "jwks.json").write_text(json.dumps({"keys": [public | {"kid": "e2e", "use": "sig", "alg": "ES256"}]}))
    now = int(time.time())
    claims = {
        "iss": "https://id.shop.example", "aud": "datasette", "sub": alice["id"], "iat": now, "exp": now + 3600,
        "email": alice["email"], "email_verified": True,
        "phone_number": alice["phone"], "phone_number_verified": True,
        "card": alice["card"], "iban": alice["iban"],
    }
    signed = jwt.encode(claims, provider, algorithm="ES256", headers={"kid": "e2e"})
    chaperone(program, "token", "keygen", "--out", keys / "issuer")
    attributes = [f"--attribute={name}={bob[name]}" for name in ["email", "phone", "card", "iban"]]
    minted = chaperone(program, "token", "mint", "--key", keys / "issuer.key", "--user", bob["id"], *attributes)
    return signed, minted


# Pages over everybody's rows: their heads count them, which is why the policy itself has no such route.
EVERYBODY = """
  - match: GET /shop/orders?_sort=id
    html: { records: "table.rows-and-columns tbody tr", owner: "td.col-user_id em" }
"""


def main() -> None:
    program = Path(sys.argv[1]).resolve()
    folder = Path(tempfile.mkdtemp(prefix="chaperone-e2e-"))
    try:
        walk(program, folder)
    except BaseException:
        for name in ["chaperone.log", "datasette.log"]:
            if (folder / name).exists():
                print(f"--- {name}\n" + (folder / name).read_text()[-4000:], file=sys.stderr)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"Datasette: {CHECKS} checks hold")


def walk(program: Path, folder: Path) -> None:
    shop.build(folder)
    people = json.loads((folder / "users.json").read_text())
    planted = {int(key): value for key, value in json.loads((folder / "planted.json").read_text()).items()}
    policy, detect = POLICY.read_text().split("\ndetect:\n")
    (folder / "policy.yaml").write_text(f"{policy}{EVERYBODY}\ndetect:\n{detect}")
    signed, minted = tokens(program, folder, people[3], people[17])
    chaperone(program, "check", folder / "policy.yaml")

    app_port, door_port, health_port = free_port(), free_port(), free_port()
    app, door = f"http://127.0.0.1:{app_port}", f"http://127.0.0.1:{door_port}"
    (folder / "chaperone.yaml").write_text(f"""
listen: {{ inbound: "127.0.0.1:{door_port}", health: "127.0.0.1:{health_port}", admin: "unix:{folder}/admin.sock" }}
upstream: {{ url: "{app}" }}
policy: policy.yaml
preview: e2e
audit: {{ to: file, file: audit.jsonl }}
""")
    datasette = [
        sys.executable, "-m", "datasette", "serve", folder / "shop.db", "-h", "127.0.0.1", "-p", app_port,
        "--setting", "max_returned_rows", 10_000,
    ]
    os.environ["PYTHONUNBUFFERED"] = "1"
    with running(datasette, folder, "datasette", f"{app}/-/versions.json"):
        with running(
            [program, "run", "--config", folder / "chaperone.yaml"],
            folder, "chaperone", f"http://127.0.0.1:{health_port}/readyz",
        ):
            # By name: an address in the links of a page is a finding.
            world = World(f"http://localhost:{app_port}", f"http://localhost:{door_port}", folder / "shop.db", planted)
            owned = "SELECT id FROM orders WHERE user_id = ? ORDER BY id"
            alice = Person(people[3], signed, world.ids(owned, people[3]["id"]))
            bob = Person(people[17], minted, world.ids(owned, people[17]["id"]))
            for person, other in [(alice, bob), (bob, alice)]:
                check(len(person.owned) > 50, "the shop is too small")
                tables(world, person)
                pages(world, person)
                search(world, person)
                single_rows(world, person, other)
                streams(world, person)
                browsed(world, person, other, people)
                refused(world, person)
        log(world, folder, people)


if __name__ == "__main__":
    main()
