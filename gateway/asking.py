"""What routes ask for: who is signed in, whether they may come through this door, and the services on their behalf."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, OAuth2PasswordBearer

from gateway.accounts import queries
from gateway.accounts.commands.sign_in import hash_token
from gateway.clients import Clients, Services
from gateway.errors import CrossSite
from shared.auth import Caller, Role
from shared.db import Database
from shared.errors import Forbidden, Unauthenticated

# These two only tell OpenAPI's readers; the cookie has another name where it cannot be a secure one.
_bearer = OAuth2PasswordBearer(tokenUrl="/api/token", auto_error=False, scheme_name="token")
_cookie = APIKeyCookie(name="__Host-purser", auto_error=False, scheme_name="session")


def cookie_name(secure: bool) -> str:
    """`__Host-` makes the browser refuse it from anybody but this very host, over TLS."""
    return "__Host-purser" if secure else "purser"


def refuse_cross_site(request: Request) -> None:
    """Refuse what a browser sends on behalf of another site's page, were it only to read or to listen: `CrossSite`.
    Programs send no such headers, and are not concerned."""
    origin = request.headers.get("Origin")
    foreign = origin is not None and _host(origin) != request.headers.get("Host")
    if foreign or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise CrossSite


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


@dataclass(frozen=True)
class SignedIn:
    """Who asks, and in which session."""

    caller: Caller
    token_hash: bytes


async def _signed_in(
    request: Request, bearer: Annotated[str | None, Depends(_bearer)], _: Annotated[str | None, Depends(_cookie)]
) -> SignedIn:
    token = bearer
    if token is None:
        token = request.cookies.get(request.app.state.cookie_name)
        refuse_cross_site(request)
    if not token:
        raise Unauthenticated("Sign in first.")
    token_hash = hash_token(token)
    database: Database = request.app.state.database
    caller = await queries.find_caller(database, token_hash)
    if caller is None:
        raise Unauthenticated("This session has ended: sign in again.")
    return SignedIn(caller, token_hash)


Session = Annotated[SignedIn, Depends(_signed_in)]


async def _caller(session: Session) -> Caller:
    return session.caller


Asking = Annotated[Caller, Depends(_caller)]


async def staff_only(caller: Asking) -> None:
    """The door `/api/admin`."""
    caller.require_staff()


async def customers_only(caller: Asking) -> None:
    """The door `/api/portal`."""
    if caller.customer_id is None:
        raise Forbidden("This is for customers; staff have their own site.")


async def admins_only(caller: Asking) -> None:
    """Staff logins."""
    if caller.role is not Role.ADMIN:
        raise Forbidden("Staff logins are an admin's.")


async def _services(request: Request, caller: Asking) -> Services:
    clients: Clients = request.app.state.clients
    return clients.on_behalf_of(caller)


Ask = Annotated[Services, Depends(_services)]


async def _own_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


OwnDatabase = Annotated[Database, Depends(_own_database)]
