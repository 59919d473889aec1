"""Generates the shop database: 50 users, 5,000 orders, the same on every machine.

Names, e-mail addresses, phones, cards (Luhn) and IBANs (mod 97) are well formed and belong to nobody.
Every seventh order's note names another person; `planted` says which values stand where.
"""

import json
import random
import sqlite3
import sys
from pathlib import Path

SEED = 20261123
USERS = 50
ORDERS = 5_000

FIRST = """Ada Amara Anselm Beatriz Bohdan Carmen Chidi Dalia Dmitri Elif Emeka Fatima Finn Giulia Hana
Hugo Ines Ivar Jana Joaquin Kaja Kenji Leila Lorenz Mairead Mateus Nadia Nils Oluchi Oskar Petra Quentin
Rania Ruben Saoirse Stellan Tamar Tomasz Ulrike Viggo Wanda Xenia Yusuf Zofia Aylin Bram Cosima Dario
Eszter Florin""".split()
LAST = """Abernathy Bergstrom Castellanos Dvorak Eriksen Fontaine Grimaldi Haddad Ivanenko Janssen Kowalczyk
Lindqvist Moreau Nakagawa Okafor Petrov Quiroga Rasmussen Santoro Takahashi Ueda Vasquez Wojcik Ximenes
Yilmaz Zimmermann Adeyemi Brandt Cavallaro Delacroix Engström Ferreira Gallagher Hofmann Iwasaki Jokinen
Keller Laurent Marchetti Novák Oyelaran Pereira Reinholt Szabó Thorne Ulvestad Voss Weber Yamada Zeman""".split()
ITEMS = """espresso machine|linen shirt|trail shoes|desk lamp|oak stool|rain jacket|tea set|wool blanket
|pocket knife|field notebook|bicycle bell|cast iron pan|paper kite|fountain pen|hiking map|ceramic vase""".replace("\n", "").split("|")
PLAIN_NOTES = ["", "leave at the door", "gift wrap, please", "ring twice", "no rush", "second floor, left", "fragile"]


def luhn(digits: str) -> str:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def card(rng: random.Random) -> str:
    body = "4" + "".join(rng.choice("0123456789") for _ in range(14))
    number = body + luhn(body)
    return " ".join(number[at:at + 4] for at in range(0, 16, 4))


def iban(rng: random.Random) -> str:
    account = "".join(rng.choice("0123456789") for _ in range(18))
    check = 98 - int(account + "131400") % 97  # DE = 13 14
    return f"DE{check:02d}{account}"


def phone(rng: random.Random) -> str:
    return f"+49 30 {rng.randrange(2000000, 9999999)}"


def users(rng: random.Random) -> list[dict]:
    found = []
    for number in range(USERS):
        first, last = FIRST[number], LAST[(number * 7) % len(LAST)]
        plain = last.lower().translate(str.maketrans("öáóé", "oaoe"))
        found.append({
            "id": f"u-{number + 1:03d}",
            "name": f"{first} {last}",
            "email": f"{first.lower()}.{plain}@{rng.choice(['example.org', 'mail.example.com', 'post.example.net'])}",
            "phone": phone(rng),
            "card": card(rng),
            "iban": iban(rng),
        })
    return found


def orders(rng: random.Random, people: list[dict]) -> list[dict]:
    found = []
    for number in range(1, ORDERS + 1):
        who = rng.choice(people)
        note, planted = rng.choice(PLAIN_NOTES), []
        if number % 7 == 0:
            other = rng.choice([person for person in people if person is not who])
            kind = rng.choice(["email", "phone", "payment-card", "iban"])
            value = other["card" if kind == "payment-card" else kind]
            planted = [{"detector": kind, "value": value}]
            note = f'for {other["name"]}, "{value}" – as agreed'
        found.append({
            "id": number,
            "user_id": who["id"],
            "name": who["name"],
            "email": who["email"],
            "phone": who["phone"],
            "card": who["card"],
            "iban": who["iban"],
            "item": rng.choice(ITEMS),
            "cents": rng.randrange(500, 90_000),
            "placed": f"2026-{rng.randrange(1, 12):02d}-{rng.randrange(1, 28):02d}",
            "note": note,
            "planted": planted,
        })
    return found


def build(folder: Path) -> None:
    rng = random.Random(SEED)
    people = users(rng)
    bought = orders(rng, people)
    path = folder / "shop.db"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript("""
        CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT, email TEXT, phone TEXT, card TEXT, iban TEXT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id TEXT REFERENCES users(id), name TEXT, email TEXT,
            phone TEXT, card TEXT, iban TEXT, item TEXT, cents INTEGER, placed TEXT, note TEXT);
        CREATE INDEX orders_by_user ON orders(user_id);
        CREATE VIRTUAL TABLE orders_fts USING fts5(name, item, note, content="orders", content_rowid="id");
    """)
    database.executemany("INSERT INTO users VALUES (:id, :name, :email, :phone, :card, :iban)", people)
    database.executemany("""INSERT INTO orders VALUES
        (:id, :user_id, :name, :email, :phone, :card, :iban, :item, :cents, :placed, :note)""", bought)
    database.execute("INSERT INTO orders_fts(orders_fts) VALUES ('rebuild')")
    database.commit()
    database.close()
    planted = {order["id"]: order["planted"] for order in bought if order["planted"]}
    (folder / "planted.json").write_text(json.dumps(planted))
    (folder / "users.json").write_text(json.dumps(people))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
