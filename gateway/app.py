"""The process `gateway`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.accounts.passwords import ServerSecret
from gateway.accounts.sessions import Sessions
from gateway.accounts.tries import Tries
from gateway.asking import cookie_name
from gateway.beginnings import Beginnings
from gateway.clients import Clients
from gateway.consumers import push_live, reactions
from gateway.housekeeping import end_streams_of_ended_sessions, forget_expired_sessions
from gateway.live import Live, room_for_streams
from gateway.order_page import OrderPages
from gateway.protection import Protection
from gateway.rates import Payments
from gateway.reconciliation.schedule import keep_looking_at_the_latest, keep_reconciling
from gateway.routes import admin, live, portal, session
from gateway.routes.pages import CompressedAssets, serve_sites
from gateway.settings import GatewaySettings
from gateway.together import Together
from shared.db import Database
from shared.health import Health, database_check
from shared.housekeeping import keep_house
from shared.listening import keep_listening
from shared.serving import serve
from shared.settings import load
from shared.telemetry import configure_logging
from shared.watching import watch_broker
from shared.web import web_app


def create(settings: GatewaySettings) -> FastAPI:
    database = Database(settings.database_url)
    sessions = Sessions(database)
    streams = Live(room_for_streams(settings.live_streams))
    health = Health({"database": database_check(database)})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.clients = Clients(settings)
        app.state.beginnings = Beginnings(app.state.clients)
        app.state.together = Together(app.state.clients)
        app.state.order_pages = OrderPages(database, app.state.together)
        tasks = [
            asyncio.create_task(
                keep_listening(settings.broker_url, partial(reactions.subscribe, database), asyncio.Event())
            ),
            asyncio.create_task(push_live(streams, settings.broker_url)),
            asyncio.create_task(watch_broker("gateway", settings.broker_url, health, health.warnings)),
            asyncio.create_task(sessions.keep_hearing()),
            asyncio.create_task(end_streams_of_ended_sessions(database, streams)),
            asyncio.create_task(forget_expired_sessions(database)),
            asyncio.create_task(keep_house(database)),
            asyncio.create_task(keep_reconciling(database, app.state.clients, settings.reconcile_minutes)),
        ]
        if settings.reconcile_minutes:
            tasks.append(asyncio.create_task(keep_looking_at_the_latest(database, app.state.clients)))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.state.clients.close()
        await database.close()

    # Without the broker it serves: what it would push is in each stream's beginning, once there is one again.
    app = web_app("Purser", lifespan, health)
    app.state.database = database
    app.state.sessions = sessions
    app.state.live = streams
    app.state.tries = Tries()
    app.state.payments = Payments(settings.customer_payments_per_minute)
    app.state.secret = ServerSecret(settings.password_secret)
    app.state.cookie_secure = settings.cookie_secure
    app.state.cookie_name = cookie_name(settings.cookie_secure)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    # Innermost, so that the answer to a bug passes through all the others.
    app.user_middleware += [Middleware(CompressedAssets), Middleware(Protection, secure=settings.cookie_secure)]
    for door in (session, admin, portal, live):
        app.include_router(door.router)
    serve_sites(app, settings.sites)
    return app


if __name__ == "__main__":
    settings = load(GatewaySettings)
    configure_logging("gateway", settings.log_format, settings.log_level)
    serve(create(settings), settings)
