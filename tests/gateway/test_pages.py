"""The built sites, as the gateway hands them to browsers."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware

from gateway.protection import Protection
from gateway.routes.pages import CompressedAssets, serve_sites
from shared.problems import HANDLERS
from tests.installation import serving

SCRIPT = "export const answer = 42;\n" * 200
PAGE = {"Accept": "text/html,*/*;q=0.8"}


def _application(folder: Path) -> FastAPI:
    app = FastAPI(exception_handlers=HANDLERS)
    app.user_middleware += [Middleware(CompressedAssets), Middleware(Protection, secure=True)]

    @app.post("/api/known")
    async def known() -> str:
        return "known"

    serve_sites(app, folder)
    return app


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with two small sites."""
    folder = tmp_path / "dist"
    (folder / "admin").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<title>portal</title>")
    (folder / "admin" / "index.html").write_text("<title>admin</title>")
    (folder / "assets" / "index-1a2b.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    async with serving(_application(folder)) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("/", "portal"),
        ("/orders/ORD-0000000023", "portal"),
        ("/administration", "portal"),
        ("/admin/", "admin"),
        ("/admin/orders/ORD-0000000023", "admin"),
        ("/admin/orders?q=a%2Fb", "admin"),
    ],
)
async def test_every_address_of_a_site_shows_its_page(http: httpx.AsyncClient, address: str, site: str) -> None:
    answer = await http.get(address, headers=PAGE)
    assert (answer.status_code, answer.text) == (200, f"<title>{site}</title>")
    assert answer.headers["cache-control"] == "no-cache"
    again = await http.get(address, headers={**PAGE, "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_the_admin_site_is_found_without_the_last_stroke(http: httpx.AsyncClient) -> None:
    answer = await http.get("/admin", headers=PAGE, follow_redirects=True)
    assert answer.text == "<title>admin</title>"


async def test_a_built_file_is_kept_for_ever_and_sent_compressed(http: httpx.AsyncClient) -> None:
    answer = await http.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert answer.text == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in answer.headers["content-type"]
    plain = await http.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == SCRIPT
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "address", ["/assets/index-old.js", "/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt"]
)
async def test_a_file_that_is_not_there_is_a_problem(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get(address)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("address", ["/assets/index-new.js", "/assets/%2e%2e/%2e%2e/secret.txt", "/assets/", "/assets"])
async def test_no_page_is_kept_for_ever_in_place_of_a_built_file(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get(address, headers=PAGE)
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-cache")


@pytest.mark.parametrize("address", ["/api/nothing", "/api/admin/nothing", "/api/"])
async def test_what_the_interface_does_not_have_is_never_a_page(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get(address, headers=PAGE)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_known_by_another_method_says_so(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/known", headers=PAGE)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    answer = await http.post("/orders/ORD-0000000023")
    assert answer.status_code in (404, 405)


async def test_no_script_but_the_sites_own_files_runs(http: httpx.AsyncClient) -> None:
    policy = (await http.get("/", headers=PAGE)).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["script-src"] == rules["connect-src"] == rules["worker-src"] == "'self'"
    assert rules["object-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"


@pytest.mark.parametrize("address", ["/", "/orders/ORD-0000000023", "/admin", "/admin/orders"])
async def test_sites_that_are_not_built_say_so_and_what_to_do(tmp_path: Path, address: str) -> None:
    async with serving(_application(tmp_path / "dist")) as url, httpx.AsyncClient(base_url=url, timeout=30) as http:
        assert (await http.post(address)).status_code == 404
        answer = await http.get(address, headers=PAGE)
        assert answer.status_code == 503
        assert "make up" in answer.text
        assert "/openapi.json" in answer.text
        answer = await http.get("/api/nothing", headers=PAGE)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_sites_that_are_built_or_built_anew_while_the_gateway_runs_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    async with (
        serving(_application(folder)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, follow_redirects=True) as http,
    ):
        assert (await http.get("/admin", headers=PAGE)).status_code == 503
        for build in ("first", "second"):
            new = tmp_path / build
            (new / "admin").mkdir(parents=True)
            (new / "index.html").write_text(f"portal {build}")
            (new / "admin" / "index.html").write_text(f"admin {build}")
            if folder.exists():
                folder.rename(tmp_path / "old")
                assert (await http.get("/orders", headers=PAGE)).status_code == 503
            new.rename(folder)
            assert (await http.get("/orders", headers=PAGE)).text == f"portal {build}"
            assert (await http.get("/admin", headers=PAGE)).text == f"admin {build}"
