"""Chromium gets a capability: by a ticket link, and at a certified OpenID provider; and pages of a sibling preview get nothing.

    python tests/e2e/browser/login.py CHAPERONE
"""

import json
import subprocess
import sys
import threading
from pathlib import Path

from chromium import Answer, Stage, free_port, run, watched

HOST = "pr-1.preview.test"
HOME = f"https://{HOST}"
OWN = f"{HOME}/.well-known/chaperone"
NAMES = ("preview.test", "*.preview.test", "localhost")
SECRET = "a secret: with signs / in it %"
PROVIDER = Path("target/provider")
CHECKS = 0


def check(truth: bool, what: object) -> None:
    global CHECKS
    if not truth:
        raise AssertionError(f"{what}")
    CHECKS += 1


def answer(asked):
    """A page that says for whom it is, and tries to plant the sidecar's cookie."""
    return Answer(
        f"<!doctype html><title>app</title><p id=user>{asked.headers['x-forwarded-user']}",
        headers=[("set-cookie", "__Host-chaperone=planted; Path=/; Secure"), ("set-cookie", "app=1; Path=/; Secure")])


def sidecar(stage, app, more=""):
    (stage.folder / "spent").mkdir()
    config = f'mint: {{ key_file: issuer.key }}\ntickets: {{ spent: "{stage.folder}/spent" }}\n{more}'
    return stage.sidecar(HOST, app, config=config)


def link(side, user: str, path="/") -> str:
    return run(side.stage.program, "ticket", "--key", side.folder / "issuer.key", "--preview", "pr-1",
               "--host", HOST, "--user", user, "--path", path)


def records(side) -> list[dict]:
    return [json.loads(line) for line in (side.folder / "audit.jsonl").read_text().splitlines()]


def session(context):
    return [cookie for cookie in context.cookies(HOME) if cookie["name"] == "__Host-chaperone"]


def come_in(page, address: str, user: str) -> None:
    page.goto(address)
    page.get_by_role("button", name=f"Open as {user}").click()
    page.wait_for_selector("#user")


def opens_by_a_ticket_link(program) -> None:
    with Stage(program, names=NAMES) as stage:
        app = stage.app(answer)
        side = sidecar(stage, app)
        with stage.browser() as browser:
            address = link(side, "alice", "/orders?page=2")
            ticket = address.split("#")[1]
            # Whoever looks at links, scripts included, spends nothing.
            for _ in range(2):
                bot = browser.page()
                bot.goto(address)
                bot.get_by_role("button", name="Open as alice").wait_for()
                check(session(bot.context) == [], "looking at a link gives no cookie")
                check(bot.violated() == [], bot.violated())
            context = browser.context()
            page = watched(context.new_page())
            page.goto(address)
            button = page.get_by_role("button", name="Open as alice")
            button.wait_for()
            check("pr-1" in page.content() and "aaaaaaa" in page.content(), page.content())
            check("#" not in page.url, page.url)
            check(app.asked == [], f"{app.asked}")
            button.click()
            page.wait_for_selector("#user")
            check(page.url == f"{HOME}/orders?page=2", page.url)
            check(page.text_content("#user") == "alice", page.content())
            [cookie] = session(context)
            check(cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Lax", cookie)
            check(cookie["domain"] == HOST and cookie["path"] == "/", cookie)
            check(cookie["value"] != "planted", "the app can't set the sidecar's cookie")
            check("chaperone" not in page.evaluate("document.cookie"), "scripts don't see the cookie")
            page.evaluate("document.cookie = '__Host-chaperone=mine; Secure; Path=/'")
            check(session(context) == [cookie], "scripts can't overwrite it")
            # The page's own requests pass, and carry the app's own cookies alone.
            status = page.evaluate("fetch('/data', {method: 'POST', body: 'a'}).then(answer => answer.status)")
            check(status == 200, f"{status}")
            last = app.asked[-1]
            check(last.path == "/data" and last.headers["cookie"] == "app=1", f"{last.headers}")
            check("authorization" not in last.headers, f"{last.headers}")
            # Once: anybody who comes later is told so.
            late = browser.page()
            late.goto(address)
            late.get_by_role("button", name="Open as alice").click()
            late.get_by_text("ticket-spent").wait_for()
            check(session(late.context) == [], "a spent ticket gives no cookie")
            side.restart("aaaaaaa")
            late = browser.page()
            late.goto(address)
            late.get_by_role("button", name="Open as alice").click()
            late.get_by_text("ticket-spent").wait_for()
            check(session(late.context) == [], "nor does it after a restart")
            log = (side.folder / "audit.jsonl").read_text()
            check(ticket not in log and cookie["value"] not in log, "the log holds no secret")
            check([it["event"] for it in records(side) if it.get("event") == "ticket-spent"] == ["ticket-spent"], log)
            check(not any("#" in asked.path or ticket in str(asked.headers) for asked in app.asked), "nor does the app")
            # The app's scripts are of the same origin, and still have no part in the sidecar's own pages.
            for method in ["GET", "POST"]:
                script = f"fetch('/.well-known/chaperone/sign-out', {{method: '{method}'}}).then(answer => answer.status)"
                check(page.evaluate(script) == 403, f"{method} by a script")
            page.goto(f"{OWN}/sign-out")
            page.get_by_role("button", name="Sign out").click()
            page.get_by_text("has no capability").wait_for()
            check(session(context) == [], "signed out")
            told = page.goto(f"{HOME}/")
            check(told.status == 401 and "chaperone ticket" in page.content(), page.content())


def keeps_siblings_out(program) -> None:
    with Stage(program, names=NAMES) as stage:
        app = stage.app(answer)
        side = sidecar(stage, app)
        hostile = f"""<!doctype html><title>sibling</title><script>
            const target = '{HOME}';
            addEventListener('load', async () => {{
                await fetch(target + '/fetch', {{mode: 'no-cors', credentials: 'include'}}).catch(() => 0);
                await fetch(target + '/post', {{method: 'POST', mode: 'no-cors', credentials: 'include', body: 'a'}}).catch(() => 0);
                await fetch(target + '/cors', {{credentials: 'include'}}).catch(() => 0);
                for (const [kind, path] of [['img', '/img'], ['script', '/script'], ['iframe', '/iframe'], ['embed', '/embed']]) {{
                    const element = document.createElement(kind);
                    element.src = target + path;
                    await new Promise(done => {{ element.onload = element.onerror = done; document.body.append(element); setTimeout(done, 1500); }});
                }}
                const form = document.createElement('form');
                form.method = 'post'; form.action = target + '/form'; form.target = 'inner';
                const inner = document.createElement('iframe'); inner.name = 'inner';
                document.body.append(form, inner);
                await new Promise(done => {{ inner.onload = done; form.submit(); setTimeout(done, 1500); }});
                await new Promise(done => {{
                    const socket = new WebSocket('wss://{HOST}/socket');
                    socket.onerror = socket.onclose = socket.onopen = done;
                }});
                document.title = 'done';
            }});
        </script><body><a id=link href='{HOME}/link'>open</a>
        <form id=top method=post action='{HOME}/top'><button>send</button></form>"""
        stage.site("pr-2.preview.test", lambda asked: Answer(hostile))
        with stage.browser() as browser:
            context = browser.context()
            page = watched(context.new_page())
            come_in(page, link(side, "alice"), "alice")
            page.wait_for_load_state("networkidle")
            before = len(app.asked)
            page.goto("https://pr-2.preview.test/")
            page.wait_for_function("document.title == 'done'")
            check(len(app.asked) == before, f"{app.asked[before:]}")
            page.click("#top button")
            page.get_by_text("cross-origin-request").wait_for()
            check(len(app.asked) == before, f"{app.asked[before:]}")
            refused = [it for it in records(side) if it.get("reason") in ("cross-origin-request", "upgrade-refused")]
            tried = {it.get("path", it["reason"]) for it in refused}
            check({"/fetch", "/post", "/cors", "/img", "/script", "/iframe", "/form", "/top"} <= tried, tried)
            check("/socket" in tried or "upgrade-refused" in tried, tried)
            # Tickets and sign-out can't be sent from there, either; a link that a user follows is let through.
            page.goto("https://pr-2.preview.test/")
            page.wait_for_function("document.title == 'done'")
            page.evaluate(f"document.getElementById('top').action = '{OWN}/sign-out'")
            page.click("#top button")
            page.get_by_text("cross-origin-request").wait_for()
            check(len(session(context)) == 1, "nobody is signed out from elsewhere")
            page.goto("https://pr-2.preview.test/")
            page.wait_for_function("document.title == 'done'")
            page.click("#link")
            page.wait_for_selector("#user")
            check("/link" in app.paths(), f"{app.paths()}")


def provider(stage, port: int, callback=f"{OWN}/callback"):
    """npm's oidc-provider, which is certified; every name and password logs in."""
    certificate = stage.certificate
    process = subprocess.Popen(
        ["node", "server.mjs", str(port), certificate.certificate, certificate.key, callback],
        cwd=PROVIDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    stage.running.append(lambda: (process.terminate(), process.wait()))
    said = []
    for line in process.stdout:
        said.append(line)
        if line.strip() == "ready":
            break
    else:
        raise AssertionError("".join(said))
    threading.Thread(target=lambda: [said.append(line) for line in process.stdout], daemon=True).start()
    stage.ports["localhost"] = port


def log_in(page, user: str) -> None:
    page.wait_for_selector("input[name=login]")
    page.fill("input[name=login]", user)
    page.fill("input[name=password]", "any")
    page.click("button[type=submit]")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector("#user")


def logs_in_at_a_provider(program) -> None:
    with Stage(program, names=NAMES) as stage:
        app = stage.app(answer)
        port = free_port()
        provider(stage, port)
        (stage.folder / "client").write_text(SECRET)
        side = sidecar(stage, app, f"""
login:
  issuer: "https://localhost:{port}"
  client_id: chaperone
  client_secret_file: "{stage.folder}/client"
  ca_file: "{stage.certificate.certificate}"
""")
        with stage.browser() as browser:
            context = browser.context()
            page = watched(context.new_page())
            callbacks = []
            page.on("request", lambda asked: "/callback" in asked.url and callbacks.append(asked.url))
            page.goto(f"{HOME}/orders?page=2")
            check(page.url.startswith(f"https://localhost:{port}/"), page.url)
            check(app.asked == [], f"{app.asked}")
            log_in(page, "alice")
            check(page.url == f"{HOME}/orders?page=2", page.url)
            check(page.text_content("#user") == "alice", page.content())
            last = app.asked[0]
            check(last.headers["x-forwarded-email"] == "alice@shop.example", f"{last.headers}")
            check(last.headers["x-forwarded-groups"] == "buyers", f"{last.headers}")
            check("cookie" not in last.headers, f"{last.headers}")
            [cookie] = session(context)
            check(cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Lax", cookie)
            names = {cookie["name"] for cookie in context.cookies(HOME)}
            check("__Host-chaperone-login" not in names, names)
            # The answer to a login counts once, and in the browser alone that began it.
            told = page.goto(callbacks[0])
            check(told.status == 403 and "login-failed" in page.content(), page.content())
            other = browser.page()
            told = other.goto(callbacks[0])
            check(told.status == 403 and session(other.context) == [], other.content())
            other.goto(f"{HOME}/")
            other.wait_for_selector("input[name=login]")
            told = other.goto(callbacks[0])
            check(told.status == 403 and "another login" in other.content(), other.content())
            check(session(other.context) == [], "a login of another browser gives no cookie")
            # Out, and in again as somebody else.
            page.goto(f"{OWN}/sign-out")
            page.get_by_role("button", name="Sign out").click()
            page.get_by_text("has no capability").wait_for()
            check(session(context) == [], "signed out")
            fresh = watched(browser.context().new_page())
            fresh.goto(f"{HOME}/")
            log_in(fresh, "bob")
            check(fresh.text_content("#user") == "bob", fresh.content())
            # A script that has no capability is told so, and led nowhere.
            fresh.context.clear_cookies()
            status = fresh.evaluate("fetch('/data', {redirect: 'manual'}).then(answer => answer.status)")
            check(status == 401, f"{status}")
            events = [it["event"] for it in records(side) if "event" in it]
            check(events.count("signed-in") == 2 and "login-begun" in events and "signed-out" in events, events)
            log = (side.folder / "audit.jsonl").read_text()
            code = callbacks[0].split("code=")[1].split("&")[0]
            check(cookie["value"] not in log, "the log holds no session")
            check(code not in log, "the log holds no code")
            # A provider that refuses: its word is told, nothing is set.
            refused = browser.page()
            refused.goto(f"{HOME}/")
            refused.wait_for_selector("input[name=login]")
            refused.get_by_role("link", name="Cancel").click()
            refused.get_by_text("access_denied").wait_for()
            check(session(refused.context) == [], "a refused login gives no cookie")


def logs_in_by_one_callback(program) -> None:
    """The provider knows one address on a host of its own; the preview is another, and bound."""
    with Stage(program, names=NAMES) as stage:
        app, other = stage.app(answer), stage.app(answer)
        port = free_port()
        callback = "https://auth.preview.test/.well-known/chaperone/callback"
        provider(stage, port, callback)
        (stage.folder / "client").write_text(SECRET)
        (stage.folder / "callback.key").write_text("a key for tests alone, of 32 bytes or more")
        deployer = stage.folder / "deployer"
        run(program, "token", "keygen", "--out", deployer)
        (stage.folder / "binding").write_text(run(
            program, "binding", "create", "--key", f"{deployer}.key", "--preview", "pr-1", "--host", HOST,
            "--revision", "aaaaaaa", "--originator", "alice"))
        side = stage.sidecar(HOST, app, policy=f'binding: {{ root_keys: ["{deployer}.pub"] }}', config=f"""
binding: {{ token_file: "{stage.folder}/binding" }}
mint: {{ key_file: issuer.key }}
login:
  issuer: "https://localhost:{port}"
  client_id: chaperone
  client_secret_file: "{stage.folder}/client"
  ca_file: "{stage.certificate.certificate}"
  callback: {{ url: "{callback}", key_file: "{stage.folder}/callback.key" }}
""")
        auth = stage.sidecar("auth.preview.test", other, config=f"""
callback: {{ host: auth.preview.test, previews: ["*.preview.test"], key_file: "{stage.folder}/callback.key" }}
""")
        with stage.browser() as browser:
            context = browser.context()
            page = watched(context.new_page())
            callbacks = []
            page.on("request", lambda asked: "/callback" in asked.url and callbacks.append(asked.url))
            page.goto(f"{HOME}/orders?page=2")
            log_in(page, "alice")
            check(page.url == f"{HOME}/orders?page=2", page.url)
            check(page.text_content("#user") == "alice", page.content())
            check([it.split("?")[0] for it in callbacks] == [callback, f"{OWN}/callback"], callbacks)
            check(len(session(context)) == 1, "the preview's own cookie")
            check(context.cookies("https://auth.preview.test") == [], "none of the callback's host")
            # Whoever has the address has nothing: the browser that began is the one that ends it.
            thief = browser.page()
            told = thief.goto(callbacks[0])
            check(told.status == 403 and "login-failed" in thief.content(), thief.content())
            told = thief.goto("https://auth.preview.test/orders")
            check(told.status == 404 and other.asked == [], f"{told.status} {other.asked}")
            logs = (side.folder / "audit.jsonl").read_text() + (auth.folder / "audit.jsonl").read_text()
            check(callbacks[0].split("code=")[1].split("&")[0] not in logs, "the logs hold no code")
            check("login-forwarded" in [it.get("event") for it in records(auth)], logs)


def main() -> None:
    program = sys.argv[1]
    for test in [opens_by_a_ticket_link, keeps_siblings_out, logs_in_at_a_provider, logs_in_by_one_callback]:
        test(program)
        print(f"{test.__name__}: holds", flush=True)
    print(f"Chromium: {CHECKS} checks hold")


if __name__ == "__main__":
    main()
