"""An honest single-page app, on which nothing of the fence shows."""

from checks import check
from chromium import Answer, Stage, wait

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>loading</title>
<link rel="stylesheet" href="/app.css">
<link rel="icon" href="/icon.svg">
<link rel="modulepreload" href="/module.js">
<style>em { font-weight: bold }</style>
<p style="color: green">text <em>here</em></p>
<img id="file" src="/image.svg"><img id="data" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='3' height='3'/>">
<iframe id="own" src="/frame"></iframe><iframe id="inner" srcdoc="<p>inner"></iframe>
<form id="form" method="post" action="/form" target="sink"><input name="word" value="hello"></form><iframe name="sink"></iframe>
<script type="module" src="/main.js"></script>
"""

MAIN = """
import { word } from '/module.js';
const told = {};
const steps = {
  module: async () => word,
  lazy: async () => (await import('/lazy.js')).word,
  fetch: async () => (await (await fetch('/api/items', {method: 'POST', body: '{"a":1}', headers: {'content-type': 'application/json'}})).json()).word,
  xhr: () => new Promise(done => { const ask = new XMLHttpRequest(); ask.open('GET', '/api/items'); ask.onload = () => done(JSON.parse(ask.responseText).word); ask.send(); }),
  events: () => new Promise(done => { const from = new EventSource('/events'); from.onmessage = event => { from.close(); done(event.data); }; }),
  worker: () => new Promise(done => { new Worker('/worker.js').onmessage = event => done(event.data); }),
  blobWorker: () => new Promise(done => { new Worker(URL.createObjectURL(new Blob(["postMessage('yes')"]))).onmessage = event => done(event.data); }),
  beacon: async () => navigator.sendBeacon('/beacon', 'x') && 'yes',
  evaluated: async () => new Function("return 'yes'")(),
  css: async () => getComputedStyle(document.querySelector('em')).fontStyle === 'italic' && getComputedStyle(document.querySelector('p')).color === 'rgb(0, 128, 0)' && 'yes',
  images: async () => { await Promise.all([...document.images].map(image => image.decode())); return 'yes'; },
  frames: async () => { await new Promise(go => setTimeout(go, 300)); return own.contentDocument.title === 'frame' && inner.contentDocument.body.innerText.trim() === 'inner' && 'yes'; },
  form: async () => { form.submit(); await new Promise(done => { document.querySelector('[name=sink]').onload = done; }); return 'yes'; },
  storage: async () => { localStorage.kept = 'yes'; sessionStorage.kept = 'yes'; document.cookie = 'kept=yes; path=/'; return localStorage.kept; },
  database: () => new Promise((done, fail) => { const open = indexedDB.open('kept'); open.onsuccess = () => done('yes'); open.onerror = fail; }),
  cache: async () => { await (await caches.open('kept')).put('/kept', new Response('yes')); return (await (await caches.match('/kept')).text()); },
  history: async () => { history.pushState({}, '', '/inside'); history.back(); await new Promise(go => { onpopstate = go; }); return 'yes'; },
  download: async () => { const link = document.createElement('a'); link.href = URL.createObjectURL(new Blob(['x'])); link.download = 'x.txt'; link.click(); return 'yes'; },
};
for (const [name, step] of Object.entries(steps)) {
  try { told[name] = await Promise.race([step(), new Promise(go => setTimeout(() => go('late'), 10000))]); } catch (error) { told[name] = String(error); }
}
window.told = told;
document.title = 'done';
"""

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>'


def answer(asked):
    script = "text/javascript"
    return {
        "/": lambda: Answer(PAGE, headers=[("set-cookie", "app=1; Path=/; HttpOnly")]),
        "/other": lambda: Answer(f"<!doctype html><title>other</title><p>{asked.headers['cookie']}"),
        "/app.css": lambda: Answer("em { font-style: italic }", "text/css"),
        "/icon.svg": lambda: Answer(SVG, "image/svg+xml"),
        "/image.svg": lambda: Answer(SVG, "image/svg+xml"),
        "/main.js": lambda: Answer(MAIN, script),
        "/module.js": lambda: Answer("export const word = 'yes'", script),
        "/lazy.js": lambda: Answer("export const word = 'yes'", script),
        "/worker.js": lambda: Answer("fetch('/api/items').then(a => a.json()).then(a => postMessage(a.word))", script),
        "/api/items": lambda: Answer('{"word": "yes"}', "application/json"),
        "/events": lambda: Answer("data: yes\n\n", "text/event-stream"),
        "/frame": lambda: Answer("<!doctype html><title>frame</title>"),
    }.get(asked.path, lambda: Answer("<!doctype html><title>ok</title>"))()


def leaves_an_honest_app_alone(program) -> None:
    """Scripts, workers, forms, frames, storage and downloads of a single-page app work as they do without the sidecar."""
    with Stage(program) as stage:
        app = stage.app(answer)
        sidecar = stage.sidecar("pr-1.preview.test", app)
        stage.site("bare.preview.test", answer)
        with stage.browser() as browser:
            for host, token in [("bare", None), ("pr-1", sidecar.token("alice"))]:
                page = browser.page(token)
                page.goto(f"https://{host}.preview.test/")
                wait(lambda: page.title() == "done", f"{host}: the end of its steps")
                told = page.evaluate("told")
                check(set(told.values()) == {"yes"}, f"{host}: {told}")
                check(page.violated() == [], f"{host}: {page.violated()}")
                # What it keeps in the browser is there when the next page of the same revision comes.
                page.goto(f"https://{host}.preview.test/other")
                check(page.evaluate("localStorage.kept") == "yes", f"{host}: local storage is gone")
                check(page.evaluate("caches.has('kept')"), f"{host}: the cache is gone")
                kept = page.inner_text("p")
                check("app=1" in kept and "kept=yes" in kept and "chaperone" not in kept, f"{host}: {kept}")
            check({"/beacon", "/form"} <= set(app.paths()), f"{app.paths()}")


TESTS = [leaves_an_honest_app_alone]
