"""What routes ask for: who is signed in, whether they may come through this door, and the services on their behalf."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.security import APIKeyCookie, OAuth2PasswordBearer
from starlette.routing import Match
from starlette.types import Scope

from gateway.accounts.commands.sign_in import hash_token
from gateway.accounts.sessions import Sessions
from gateway.clients import Clients, Services
from gateway.errors import CrossSite
from gateway.order_page import OrderPages
from gateway.together import Together
from shared.auth import Caller, Role
from shared.bodies import UnambiguousRoute
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
    sessions: Sessions = request.app.state.sessions
    caller = await sessions.find_caller(token_hash)
    if caller is None:
        raise Unauthenticated("This session has ended: sign in again.")
    request.state.caller = caller
    return SignedIn(caller, token_hash)


Session = Annotated[SignedIn, Depends(_signed_in)]


async def _caller(session: Session) -> Caller:
    return session.caller


Asking = Annotated[Caller, Depends(_caller)]


# --- Doors ------------------------------------------------------------------------------------------------------------


async def staff_only(session: Session) -> None:
    """The door `/api/admin`."""
    session.caller.require_staff()


async def customers_only(session: Session) -> None:
    """The door `/api/portal`."""
    if session.caller.customer_id is None:
        raise Forbidden("This is for customers; staff have their own site.")


async def admins_only(session: Session) -> None:
    """Staff logins."""
    if session.caller.role is not Role.ADMIN:
        raise Forbidden("Staff logins are an admin's.")


class Door(APIRouter):
    """The routes below a prefix, for those whom `whom` lets through."""

    def __init__(self, prefix: str, whom: Callable[..., Awaitable[None]], **more: Any) -> None:
        super().__init__(prefix=prefix, dependencies=[Depends(whom)], route_class=UnambiguousRoute, **more)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """FastAPI would try each of its routes, for every request to another door."""
        return super().matches(scope) if scope["path"].startswith(self.prefix) else (Match.NONE, {})


# --- What routes ask for behind a door --------------------------------------------------------------------------------


def caller_of(request: Request) -> Caller:
    """Who has come through the door: by a dependency, FastAPI would go the whole way to it for each that names it."""
    caller: Caller = request.state.caller
    return caller


async def _services(request: Request) -> Services:
    clients: Clients = request.app.state.clients
    return clients.on_behalf_of(caller_of(request))


Ask = Annotated[Services, Depends(_services)]


def together_of(request: Request) -> Together:
    """Through which many ask at once; no dependency, for the same reason."""
    together: Together = request.app.state.together
    return together


def order_pages_of(request: Request) -> OrderPages:
    """Who puts order pages together; no dependency either."""
    order_pages: OrderPages = request.app.state.order_pages
    return order_pages
