"""What one revision leaves in the browser is gone when the next one comes."""

import time

from checks import check
from chromium import Answer, Stage, wait

LEAVES = """<!doctype html><title>a</title><script>
  localStorage.left = 'a'; sessionStorage.left = 'a';
  document.cookie = 'left=a; path=/'; document.cookie = 'placed=a'; document.cookie = 'parted=a; path=/; Secure; Partitioned';
  (async () => {
    await (await caches.open('left')).put('/left', new Response('a'));
    await new Promise(done => { const open = indexedDB.open('left'); open.onupgradeneeded = () => open.result.createObjectStore('x'); open.onsuccess = () => { open.result.close(); done(); }; });
    const folder = await navigator.storage.getDirectory(); await folder.getFileHandle('left', {create: true});
    document.title = 'left';
  })();
</script>"""

LOOKS = """<!doctype html><title>b</title><script>
  window.found = (async () => ({
    local: localStorage.left ?? null, session: sessionStorage.left ?? null, cookie: document.cookie,
    cache: await caches.has('left'), databases: (await indexedDB.databases()).length,
    files: await (async () => { let files = 0; for await (const _ of (await navigator.storage.getDirectory()).keys()) files += 1; return files; })(),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }))();
</script>"""

CLEAN = {"local": None, "session": None, "cookie": "", "cache": False, "databases": 0, "files": 0, "workers": 0}


def clears_the_browser_for_a_new_revision(program) -> None:
    """Storage, caches and cookies of one revision are gone at the next one, once, and not at a restart of the same one."""
    page_of = {"now": LEAVES}

    def answer(asked):
        cookie = [("set-cookie", "server=a; Path=/; HttpOnly"), ("clear-site-data", '"cookies"')] if page_of["now"] is LEAVES else []
        return Answer(page_of["now"], headers=cookie) if asked.path.startswith("/deep") else Answer("plain")

    with Stage(program) as stage:
        app = stage.app(answer)
        sidecar = stage.sidecar("pr-1.preview.test", app, revision="aaaaaaa")
        address = "https://pr-1.preview.test/deep/page"
        with stage.browser() as browser:
            page = browser.page(sidecar.token("alice"))
            told = page.goto(address)
            check("clear-site-data" in told.all_headers(), f"{told.all_headers()}")
            wait(lambda: page.title() == "left", "the end of the first page")
            sidecar.restart("aaaaaaa")
            told = page.goto(address)
            check("clear-site-data" not in told.all_headers(), f"{told.all_headers()}")
            check(page.evaluate("localStorage.left") == "a", "a restart of the same revision cleared the browser")
            check("server=a" in app.asked[-1].headers["cookie"], f"{app.asked[-1].headers}")
            wait(lambda: page.title() == "left", "the end of the second page")

            page_of["now"] = LOOKS
            sidecar.restart("bbbbbbb")
            # The page that is still open is the old revision's: it is given nothing.
            status = page.evaluate("fetch('/api').then(answer => answer.status)")
            check(status == 403, f"the old page got {status}")
            before = len(app.asked)
            told = page.goto(address)
            check(told.all_headers()["clear-site-data"].startswith('"cache", "storage"'), f"{told.all_headers()}")
            asked = [asked for asked in app.asked[before:] if asked.path == "/deep/page"]
            check(len(asked) == 1 and asked[0].headers["cookie"] is None, f"{asked} {asked[0].headers}")
            found = page.evaluate("found")
            check(found == CLEAN, f"{found}")
            names = sorted(cookie["name"] for cookie in page.context.cookies())
            check(names == ["__Host-chaperone-revision"], f"{names}")
            page.evaluate("localStorage.left = 'b'")
            told = page.goto(address)
            check("clear-site-data" not in told.all_headers(), f"{told.all_headers()}")
            check(page.evaluate("localStorage.left") == "b", "it is cleared more than once")
            status = page.evaluate("fetch('/api').then(answer => answer.status)")
            check(status == 200, f"the new page got {status}")


def ends_a_worker_from_before(program) -> None:
    """A service worker that stood at the host before the sidecar did ends: with the first page that it lets through, or when it asks
    for its own script again, which browsers have it do once a day."""
    script = "oninstall = () => skipWaiting(); onactivate = event => event.waitUntil(clients.claim()); onfetch = event => event.respondWith({})"
    alone = "new Response('<!doctype html><title>worker</title>', {headers: {'content-type': 'text/html'}})"
    register = "<!doctype html><title>x</title><script>navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => { document.title = 'ready' })</script>"
    count = "navigator.serviceWorker.getRegistrations().then(all => all.length)"
    for answers in ["fetch(event.request)", alone]:
        worker = script.replace("{}", answers)

        def before(asked):
            return Answer(worker, "text/javascript") if asked.path == "/sw.js" else Answer(register)

        with Stage(program) as stage:
            old = stage.site("pr-1.preview.test", before)
            app = stage.app(lambda asked: Answer("<!doctype html><title>approved</title>"))
            with stage.browser() as browser:
                page = browser.page()
                page.goto("https://pr-1.preview.test/")
                wait(lambda: page.title() == "ready", "the worker")
                old.close()
                sidecar = stage.sidecar("pr-1.preview.test", app, port=old.port)
                page.context.set_extra_http_headers({"Chaperone-Capability": sidecar.token("alice")})
                page.goto("https://pr-1.preview.test/")
                if answers is alone:
                    check(page.title() == "worker" and app.asked == [], f"{page.title()} {app.asked}")
                    page.evaluate("navigator.serviceWorker.getRegistration().then(one => one.update()).catch(() => {})")
                wait(lambda: page.evaluate(count) == 0, "the end of the worker")
                page.goto("https://pr-1.preview.test/")
                check(page.title() == "approved", page.title())


TESTS = [clears_the_browser_for_a_new_revision, ends_a_worker_from_before]
