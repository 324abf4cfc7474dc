"""Staff logins: an admin's."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from gateway.accounts import passwords, queries
from gateway.accounts.commands.change_staff import change_staff
from gateway.accounts.commands.make_staff import make_staff
from gateway.asking import Asking, admins_only
from gateway.schemas import ChangeStaff, NewStaff, NewStaffView, Part, StaffView
from shared import idempotency
from shared.acts import list_acts
from shared.auth import Role
from shared.bodies import UnambiguousRoute
from shared.contracts.http.base import ActView, Page
from shared.contracts.http.orders import Login
from shared.cursors import decode_cursor, encode_cursor
from shared.web import IdempotencyKey, Reading

router = APIRouter(route_class=UnambiguousRoute, prefix="/staff", tags=["staff"], dependencies=[Depends(admins_only)])
ItsLogin = Annotated[Login, Path()]


@router.get("")
async def list_staff(session: Reading, part: Annotated[Part, Query()]) -> Page[StaffView]:
    """Everybody of the staff, by login."""
    (after,) = decode_cursor(part.cursor, str) if part.cursor else [""]
    found = await queries.list_staff(session, after, part.limit + 1)
    shown = [
        StaffView(login=account.login, role=Role(account.role), disabled=account.disabled)
        for account in found[: part.limit]
    ]
    return Page(items=shown, next=encode_cursor(shown[-1].login) if len(found) > part.limit else None)


@router.post("", status_code=201, response_model_exclude_none=True)
async def make_staff_login(wanted: NewStaff, caller: Asking, key: IdempotencyKey, request: Request) -> NewStaffView:
    """Make a login for somebody of the staff."""
    state = request.app.state
    scope = f"{caller.login} POST /api/admin/staff"
    password = wanted.password or state.secret.password(scope, key, wanted.login)
    password_hash = await passwords.hash_password(password)
    async with state.database.transaction() as session:
        made = await idempotency.once(
            session,
            scope,
            key,
            state.secret.fingerprint(wanted.model_dump_json()),
            StaffView,
            lambda: make_staff(session, caller, wanted.login, wanted.role, password_hash),
        )
    return NewStaffView(**made.model_dump(), password=None if wanted.password else password)


@router.patch("/{login}")
async def change_staff_login(login: ItsLogin, wanted: ChangeStaff, caller: Asking, request: Request) -> StaffView:
    """Change somebody's role or password, or disable them."""
    password_hash = await passwords.hash_password(wanted.password) if wanted.password else None
    async with request.app.state.database.transaction() as session:
        changed = await change_staff(session, caller, login, wanted, password_hash)
    request.app.state.sessions.forget(login)
    return changed


@router.get("/{login}/acts")
async def list_staff_acts(login: ItsLogin, session: Reading) -> list[ActView]:
    """What was done with this login, newest first."""
    await queries.get_staff(session, login)
    return await list_acts(session, login)
