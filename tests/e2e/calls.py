"""gRPC's own client and server, in Python, with chaperone between them.

    python tests/e2e/calls.py CHAPERONE

Every kind of call (unary, streamed either way and both ways), plain and with gzip: users get what is their own, detectors change
what they find, and what is refused is a status that the client understands.
"""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SET = Path(__file__).resolve().parent.parent / "data" / "grpc" / "shop.binpb"
CHECKS = 0

POLICY = """\
version: 1
policy: calls
capability: { biscuit: { root_keys: [issuer.pub] } }
routes:
  - { match: POST /shop.v1.Orders/List, records: "$.orders[*]", owner: "$.customer.id", grpc: shop.binpb }
  - { match: POST /shop.v1.Orders/Watch, records: "$", owner: "$.customer.id", grpc: shop.binpb }
  - match: POST /shop.v1.Orders/*
    public: Says what it was told.
    grpc: shop.binpb
    request: { records: "$", owner: "$.customer.id" }
  - { match: POST /shop.v1.Orders/Talk, public: Everybody hears the same., grpc: shop.binpb }
detect:
  - use: [email, payment-card]
"""

CONFIG = """\
listen: {{ inbound: 127.0.0.1:{door}, health: 127.0.0.1:{health} }}
upstream: {{ url: "http://127.0.0.1:{app}", protocol: h2c }}
policy: policy.yaml
preview: calls
audit: {{ to: file, file: audit.jsonl }}
"""

POOL = descriptor_pool.DescriptorPool()
for file in descriptor_pb2.FileDescriptorSet.FromString(SET.read_bytes()).file:
    POOL.Add(file)


def kind(name: str):
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"shop.v1.{name}"))


Ask, Page, Order, Done = kind("Ask"), kind("Page"), kind("Order"), kind("Done")


def check(truth: bool, what: object) -> None:
    global CHECKS
    if not truth:
        raise AssertionError(what)
    CHECKS += 1


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def order(owner: str, note: str = "", **fields):
    return Order(customer={"id": owner}, note=note, **fields)


# The app.


def serve_list(ask, context):
    if ask.text == "nothing":
        context.abort(grpc.StatusCode.NOT_FOUND, "no order of bob@elsewhere.example")
    if ask.text == "empty":
        return Page()
    context.set_trailing_metadata((("x-note", "fine"), ("x-blob-bin", b"bob")))
    mine = order("ada", "ask bob@elsewhere.example", card=4111111111111111, tags=["a"] * 50)
    return Page(orders=[order("bob", "his"), mine, order("eve", "hers")], total=3)


def serve_watch(ask, context):
    for number in range(20):
        yield order("ada" if number % 2 else "bob", str(number))


def serve_put(given, context):
    return Done(text=given.note)


def serve_put_all(given, context):
    return Done(text=" ".join(one.note for one in given))


def serve_talk(given, context):
    for one in given:
        yield order("eve", f"heard {one.note}")


def app(port: int) -> grpc.Server:
    methods = {
        "List": grpc.unary_unary_rpc_method_handler(serve_list, Ask.FromString, Page.SerializeToString),
        "Watch": grpc.unary_stream_rpc_method_handler(serve_watch, Ask.FromString, Order.SerializeToString),
        "Put": grpc.unary_unary_rpc_method_handler(serve_put, Order.FromString, Done.SerializeToString),
        "PutAll": grpc.stream_unary_rpc_method_handler(serve_put_all, Order.FromString, Done.SerializeToString),
        "Talk": grpc.stream_stream_rpc_method_handler(serve_talk, Order.FromString, Order.SerializeToString),
    }
    server = grpc.server(ThreadPoolExecutor(8), compression=grpc.Compression.Gzip)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.v1.Orders", methods),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server


# The client.


def refused(status: grpc.StatusCode, call) -> None:
    try:
        got = call()
    except grpc.RpcError as error:
        check(error.code() == status, error)
    else:
        raise AssertionError(f"not refused: {got}")


def run(channel, token: str) -> None:
    metadata = (("authorization", f"Bearer {token}"),)

    def stub(make, name, request, answer):
        call = make(f"/shop.v1.Orders/{name}", request.SerializeToString, answer.FromString)
        return lambda given, **more: call(given, metadata=metadata, timeout=30, **more)

    listing = channel.unary_unary("/shop.v1.Orders/List", Ask.SerializeToString, Page.FromString)
    page, call = listing.with_call(Ask(id="1"), metadata=metadata, timeout=30)
    mine = order("ada", "ask [redacted:email]", tags=["a"] * 50, card=0)
    check(page == Page(orders=[mine]), page)
    trailing = dict(call.trailing_metadata())
    check(trailing.get("x-note") == "fine" and "x-blob-bin" not in trailing, trailing)
    check(listing(Ask(text="empty"), metadata=metadata, timeout=30) == Page(), "an empty list")
    refused(grpc.StatusCode.UNAUTHENTICATED, lambda: listing(Ask(), timeout=30))
    try:
        listing(Ask(text="nothing"), metadata=metadata, timeout=30)
    except grpc.RpcError as error:
        check(error.code() == grpc.StatusCode.NOT_FOUND and "bob" not in error.details(), error)
    else:
        raise AssertionError("the app's own refusal is lost")

    watch = stub(channel.unary_stream, "Watch", Ask, Order)
    notes = [one.note for one in watch(Ask())]
    check(notes == [str(number) for number in range(1, 20, 2)], notes)

    put = stub(channel.unary_unary, "Put", Order, Done)
    check(put(order("ada", "mine")).text == "mine", "a write of one's own")
    refused(grpc.StatusCode.PERMISSION_DENIED, lambda: put(order("bob", "his")))
    put_all = stub(channel.stream_unary, "PutAll", Order, Done)
    check(put_all(iter([order("ada", "a"), order("ada", "b")])).text == "a b", "several writes")
    refused(grpc.StatusCode.PERMISSION_DENIED, lambda: put_all(iter([order("ada", "a"), order("bob", "b")])))

    talk = stub(channel.stream_stream, "Talk", Order, Order)
    heard = []

    def words():
        for number in range(5):
            # What was said before has been answered: nothing is held back.
            while len(heard) < number:
                time.sleep(0.01)
            yield order("ada", str(number))

    for one in talk(words()):
        heard.append(one.note)
    check(heard == [f"heard {number}" for number in range(5)], heard)

    lost = stub(channel.unary_unary, "Lost", Order, Done)
    try:
        lost(order("ada"))
    except grpc.RpcError as error:
        check(error.code() != grpc.StatusCode.UNIMPLEMENTED, error)
    else:
        raise AssertionError("a method that is none was answered")


def main(program: str) -> None:
    program = str(Path(program).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([program, "token", "keygen", "--out", folder / "issuer"], check=True, capture_output=True)
        mint = [program, "token", "mint", "--key", folder / "issuer.key", "--user", "ada"]
        token = subprocess.run(mint, check=True, capture_output=True, text=True).stdout.strip()
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "shop.binpb").write_bytes(SET.read_bytes())
        port, door, health = free_port(), free_port(), free_port()
        (folder / "chaperone.yaml").write_text(CONFIG.format(app=port, door=door, health=health))
        server = app(port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "run", "--config", "chaperone.yaml"], cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(600):
                assert process.poll() is None, (folder / "log").read_text()
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{health}/readyz").close()
                    break
                except OSError:
                    time.sleep(0.1)
            for compression in [grpc.Compression.NoCompression, grpc.Compression.Gzip]:
                with grpc.insecure_channel(f"127.0.0.1:{door}", compression=compression) as channel:
                    run(channel, token)
        finally:
            process.terminate()
            code = process.wait(timeout=60)
            server.stop(None)
        check(code == 0, f"chaperone ended with {code}:\n{(folder / 'log').read_text()}")
    print(f"{CHECKS} checks")


if __name__ == "__main__":
    main(sys.argv[1])
