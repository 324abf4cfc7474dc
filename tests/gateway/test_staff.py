"""Staff logins: made and changed by admins, and by whoever installs Purser."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import update

from gateway.accounts import bootstrap, sessions
from gateway.accounts.commands.change_staff import change_staff
from gateway.accounts.models import Account
from gateway.errors import LastAdmin
from gateway.schemas import ChangeStaff
from shared.auth import Caller, Role
from tests.eventually import eventually
from tests.gateway.conftest import PASSWORD, Gateway, Person, code


@pytest.fixture
async def admin(gateway: Gateway) -> Person:
    return await gateway.person(Role.ADMIN)


async def signs_in(gateway: Gateway, login: str, password: str) -> bool:
    answer = await gateway.http.post("/api/session", json={"login": login, "password": password})
    return answer.status_code == 200


async def test_an_admin_makes_a_login(gateway: Gateway, admin: Person) -> None:
    login = f"fin-{uuid4().hex[:8]}"
    wanted = {"login": login, "role": "financier", "password": PASSWORD}
    made = await admin.ask("POST", "/api/admin/staff", wanted)
    assert (made.status_code, made.json()) == (201, {"login": login, "role": "financier", "disabled": False})
    assert await signs_in(gateway, login, PASSWORD)
    [act] = (await admin.ask("GET", f"/api/admin/staff/{login}/acts")).json()
    assert (act["login"], act["act"]) == (admin.login, "make_staff")


async def test_a_made_password_is_shown_again_to_a_repeat(gateway: Gateway, admin: Person) -> None:
    wanted = {"login": f"oper-{uuid4().hex[:8]}", "role": "operator"}
    first, second = [await admin.ask("POST", "/api/admin/staff", wanted, key="k") for _ in range(2)]
    assert first.json() == second.json()
    assert await signs_in(gateway, wanted["login"], first.json()["password"])
    other = await admin.ask("POST", "/api/admin/staff", {**wanted, "role": "admin"}, key="k")
    assert code(other) == (422, "idempotency_key_reused")


async def test_a_login_is_made_once(gateway: Gateway, admin: Person) -> None:
    customer, _ = await gateway.account(Role.CUSTOMER)
    for taken in (admin.login, customer):
        answer = await admin.ask("POST", "/api/admin/staff", {"login": taken, "role": "operator"})
        assert code(answer) == (409, "login_taken")


@pytest.mark.parametrize("role", ["customer", "root", None])
async def test_staff_have_staffs_roles(admin: Person, role: str | None) -> None:
    answer = await admin.ask("POST", "/api/admin/staff", {"login": f"x-{uuid4().hex[:8]}", "role": role})
    assert code(answer) == (422, "invalid_request")


async def test_a_new_role_holds_at_once(gateway: Gateway, admin: Person) -> None:
    person = await gateway.person(Role.OPERATOR)
    changed = await admin.ask("PATCH", f"/api/admin/staff/{person.login}", {"role": "financier"})
    assert changed.json() == {"login": person.login, "role": "financier", "disabled": False}
    assert (await person.ask("GET", "/api/session")).json()["role"] == "financier"


@pytest.mark.parametrize("change", [{"password": "another password"}, {"disabled": True}])
async def test_a_new_password_or_being_disabled_ends_the_sessions(
    gateway: Gateway, admin: Person, change: dict[str, object]
) -> None:
    person = await gateway.person(Role.OPERATOR)
    assert (await admin.ask("PATCH", f"/api/admin/staff/{person.login}", change)).status_code == 200
    assert code(await person.ask("GET", "/api/session")) == (401, "unauthenticated")
    assert not await signs_in(gateway, person.login, PASSWORD)
    assert await signs_in(gateway, person.login, "another password") == ("password" in change)


async def test_a_disabled_login_can_be_given_back(gateway: Gateway, admin: Person) -> None:
    login, _ = await gateway.account(Role.OPERATOR, disabled=True)
    await admin.ask("PATCH", f"/api/admin/staff/{login}", {"disabled": False})
    assert await signs_in(gateway, login, PASSWORD)


async def test_customers_are_not_staff(gateway: Gateway, admin: Person) -> None:
    login, _ = await gateway.account(Role.CUSTOMER)
    for who in (login, "nobody"):
        assert code(await admin.ask("PATCH", f"/api/admin/staff/{who}", {"role": "admin"})) == (404, "unknown_staff")


@pytest.mark.parametrize("change", [ChangeStaff(role=Role.OPERATOR), ChangeStaff(disabled=True)])
async def test_the_last_admin_stays(gateway: Gateway, admin: Person, change: ChangeStaff) -> None:
    caller = Caller(admin.login, Role.ADMIN)
    with pytest.raises(LastAdmin):
        async with gateway.database.transaction() as session:
            others = update(Account).where(Account.role == "admin", Account.login != admin.login)
            await session.execute(others.values(disabled=True))
            await change_staff(session, caller, admin.login, change, None)
    await gateway.account(Role.ADMIN)
    async with gateway.database.transaction() as session:
        assert (await change_staff(session, caller, admin.login, change, None)).login == admin.login


async def test_two_admins_cannot_take_each_others_rights_away(gateway: Gateway, admin: Person) -> None:
    other = await gateway.person(Role.ADMIN)
    answers = await asyncio.gather(
        admin.ask("PATCH", f"/api/admin/staff/{other.login}", {"role": "operator"}),
        other.ask("PATCH", f"/api/admin/staff/{admin.login}", {"role": "operator"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]


async def test_the_list_of_staff_comes_in_parts(gateway: Gateway, admin: Person) -> None:
    await gateway.account(Role.CUSTOMER)
    logins, cursor = [], ""
    while True:
        part = (await admin.ask("GET", f"/api/admin/staff?limit=2{cursor}")).json()
        logins += [staff["login"] for staff in part["items"]]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert admin.login in logins
    assert logins == sorted(set(logins))
    assert not [login for login in logins if login.startswith("customer")]
    assert code(await admin.ask("GET", "/api/admin/staff?cursor=forged")) == (422, "bad_cursor")


async def test_the_installer_sets_staff_logins_and_may_do_so_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is remembered would be asked again long after this test.
    monkeypatch.setattr(sessions, "REMEMBERED_SECONDS", 3600.0)
    login = f"boss-{uuid4().hex[:8]}"
    await bootstrap.bootstrap(gateway.database, [f"{login} admin pass with spaces\n", "ann customer whatever\n"])
    assert await signs_in(gateway, login, "pass with spaces")
    assert not await signs_in(gateway, "ann", "whatever")
    session = await gateway.token(login)
    await bootstrap.bootstrap(gateway.database, [f"{login} admin pass with spaces\n"])
    headers = {"Authorization": f"Bearer {session}"}
    assert (await gateway.http.get("/api/session", headers=headers)).status_code == 200
    await bootstrap.bootstrap(gateway.database, [f"{login} operator another\n"])

    async def is_out() -> bool:
        return (await gateway.http.get("/api/session", headers=headers)).status_code == 401

    # Another process has done it: the database tells the gateway.
    await eventually(is_out, "the session has ended")
    assert await signs_in(gateway, login, "another")
