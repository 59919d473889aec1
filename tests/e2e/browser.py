"""Chromium before chaperone: what a page can and can't do, as a browser does it.

    python tests/e2e/browser.py CHAPERONE
"""

import sys

from chromium import Answer, Stage

CHECKS = 0


def check(truth: bool, what: str) -> None:
    global CHECKS
    if not truth:
        raise AssertionError(what)
    CHECKS += 1


def loads_a_page(program) -> None:
    """A page and its script come through the sidecar with a capability, and without one only a reason."""

    def answer(asked):
        if asked.path == "/app.js":
            return Answer("document.title = 'it runs'; console.log('hello')", "text/javascript")
        return Answer("<!doctype html><title>page</title><script src=app.js></script><p>text")

    with Stage(program) as stage:
        app = stage.app(answer)
        sidecar = stage.sidecar("pr-1.preview.test", app)
        with stage.browser() as browser:
            page = browser.page(sidecar.token("alice"))
            told = page.goto("https://pr-1.preview.test/")
            check(told.status == 200, f"{told.status}")
            check(page.title() == "it runs", page.content())
            check("hello" in page.said, f"{page.said}")
            check(page.violated() == [], f"{page.violated()}")
            check({"/", "/app.js"} <= set(app.paths()), f"{app.paths()}")
            check("alice" == app.asked[0].headers["x-forwarded-user"], f"{app.asked[0].headers}")
            before = len(app.asked)
            told = browser.page().goto("https://pr-1.preview.test/")
            check(told.status == 401 and len(app.asked) == before, f"{told.status}")


def main() -> None:
    program = sys.argv[1]
    for test in [loads_a_page]:
        test(program)
        print(f"{test.__name__}: holds", flush=True)
    print(f"Chromium: {CHECKS} checks hold")


if __name__ == "__main__":
    main()
