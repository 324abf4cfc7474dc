"""Signing in and out: a cookie for browsers, a token for programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from gateway.accounts.commands import sign_in as signing
from gateway.accounts.commands.sign_out import sign_out, sign_out_everywhere
from gateway.asking import Asking, Session, refuse_cross_site
from gateway.schemas import SessionView, SignIn, TokenForm, TokenView
from shared.auth import Caller
from shared.bodies import UnambiguousRoute

router = APIRouter(route_class=UnambiguousRoute, prefix="/api", tags=["session"])


async def _begin(request: Request, login: str, password: str) -> signing.Begun:
    state = request.app.state
    address = request.client.host if request.client else "unknown"
    return await signing.sign_in(state.database, state.tries, login, password, address)


def _view(caller: Caller) -> SessionView:
    return SessionView(login=caller.login, role=caller.role, customer_id=caller.customer_id)


@router.post("/session", dependencies=[Depends(refuse_cross_site)], response_model_exclude_none=True)
async def sign_in(wanted: SignIn, request: Request, response: Response) -> SessionView:
    """Sign in with a browser: the session is a cookie, and lasts 12 hours."""
    begun = await _begin(request, wanted.login, wanted.password)
    response.set_cookie(
        request.app.state.cookie_name,
        begun.token,
        max_age=int(signing.LIFETIME.total_seconds()),
        secure=request.app.state.cookie_secure,
        httponly=True,
        samesite="lax",
    )
    return _view(begun.caller)


@router.get("/session", response_model_exclude_none=True)
async def who_am_i(caller: Asking) -> SessionView:
    """Who is signed in."""
    return _view(caller)


@router.delete("/session", status_code=204)
async def end_session(
    signed_in: Session,
    request: Request,
    response: Response,
    everywhere: Annotated[bool, Query(description="All sessions of this login, on every machine.")] = False,
) -> None:
    """Sign out."""
    async with request.app.state.database.transaction() as session:
        if everywhere:
            await sign_out_everywhere(session, signed_in.caller.login)
        else:
            await sign_out(session, signed_in.token_hash)
    request.app.state.sessions.forget(signed_in.caller.login)
    response.delete_cookie(
        request.app.state.cookie_name, secure=request.app.state.cookie_secure, httponly=True, samesite="lax"
    )


@router.post("/token")
async def make_token(wanted: Annotated[TokenForm, Form()], request: Request) -> TokenView:
    """Sign in with a program: send the token as `Authorization: Bearer`. It is a session, and lasts 12 hours."""
    begun = await _begin(request, wanted.username, wanted.password)
    return TokenView(access_token=begun.token, expires_in=int(signing.LIFETIME.total_seconds()))
