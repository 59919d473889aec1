"""Chromium before chaperone: what a page can and can't do, as a browser does it.

    python tests/e2e/browser/run.py CHAPERONE [TEST]...
"""

import sys

import app
import hostile
import revisions
from checks import counted
from smoke import loads_a_page

TESTS = [loads_a_page, *hostile.TESTS, *app.TESTS, *revisions.TESTS]


def main() -> None:
    program, *names = sys.argv[1:]
    for test in TESTS:
        if not names or test.__name__ in names:
            test(program)
            print(f"{test.__name__}: holds", flush=True)
    print(f"Chromium: {counted()} checks hold")


if __name__ == "__main__":
    main()
