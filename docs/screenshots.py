"""Takes the README's pictures of the demonstration shop, while it is up:

    PURSER_DEMO_PASSWORD=... .purser/venv/bin/python docs/screenshots.py

with the password that `make up` has printed or was given, and PURSER_URL where it is not http://127.0.0.1:8000.
"""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, find_chromium

IMAGES = Path(__file__).parent / "images"
URL = os.environ.get("PURSER_URL", "http://127.0.0.1:8000")


def sign_in(browser: Browser, login: str, **options: object) -> Page:
    context = browser.new_context(base_url=URL, locale="en-US", **options)  # type: ignore[arg-type]
    password = os.environ["PURSER_DEMO_PASSWORD"]
    answer = context.request.post("/api/session", data={"login": login, "password": password})
    if not answer.ok:
        raise SystemExit(f"{login} cannot sign in at {URL}: {answer.json()['detail']}")
    return context.new_page()


def take(page: Page, path: str, name: str) -> None:
    """A picture of the page once everything on it is there."""
    page.goto(path)
    page.get_by_role("heading", name="History" if "/admin/" in path else "Items", exact=True).wait_for()
    page.wait_for_load_state("load")
    page.wait_for_function("!document.querySelector('.mantine-Skeleton-root')")
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=IMAGES / name)
    print(f"docs/images/{name}")


def an_order(page: Page, orders: str) -> str:
    """The number of the order that has the most to show: items in many statuses, something paid, something not."""
    found = page.request.get(orders).json()["items"]
    pages = [page.request.get(f"{orders.partition('?')[0]}/{order['number']}").json() for order in found]

    def telling(order: dict[str, Any]) -> tuple[int, bool, int]:
        return len(order["item_counts"]), order["paid_minor"] > 0 and order["remaining_minor"] > 0, len(order["items"])

    return str(max(pages, key=telling)["number"])


def main() -> None:
    with sync_playwright() as playwright:
        path = find_chromium(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        staff = sign_in(browser, "admin", viewport={"width": 1440, "height": 900})
        number = an_order(staff, "/api/admin/orders")
        take(staff, f"/admin/orders/{number}", "admin-order.png")
        look = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "color_scheme": "dark"}
        anna = sign_in(browser, "anna", **look)
        number = an_order(anna, "/api/portal/orders?group=awaiting_payment")
        take(anna, f"/orders/{number}", "portal-order.png")
        browser.close()


if __name__ == "__main__":
    main()
