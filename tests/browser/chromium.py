"""The Chromium that the browser tests and the README's pictures use.

`python -m tests.browser.chromium` says which it is; it ends with 1 where there is none.
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium's sandbox does not work for root.
    *([] if os.geteuid() else ["--no-sandbox"]),
]


def find_chromium(own: str) -> str | None:
    """The one that PURSER_BROWSER names, else Playwright's `own`, else one that is installed."""
    if named := os.environ.get("PURSER_BROWSER"):
        return named
    return own if Path(own).exists() else next(filter(None, map(shutil.which, INSTALLED)), None)


if __name__ == "__main__":
    with sync_playwright() as playwright:
        found = find_chromium(playwright.chromium.executable_path)
    sys.stdout.write(f"{found or 'none'}\n")
    sys.exit(not found)
