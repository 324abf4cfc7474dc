"""While the gateway's key changes, the services believe both; then only the new one."""

import base64

import httpx2 as httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth import Caller, Role
from tests.access.signing import asked
from tests.installation import SERVICES, serving, settings
from tests.system import APIS, System

OLD, NEW = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PATHS = {"orders": "/orders", "billing": "/hold-counts", "support": "/ticket-counts"}


def public(*keys: Ed25519PrivateKey) -> str:
    return ",".join(base64.b64encode(key.public_key().public_bytes_raw()).decode() for key in keys)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_key_comes_in_beside_the_old_one_and_what_is_rotated_out_is_refused(
    purser: System, service: str
) -> None:
    create, kind = APIS[service]
    wanted = asked(service, "GET", PATHS[service])
    believed = []
    for keys in ((OLD,), (OLD, NEW), (NEW,)):
        url = purser.installation.database_url(service)
        app = create(settings(kind, database_url=url, caller_public_keys=public(*keys)))
        async with serving(app) as api, httpx.AsyncClient(base_url=api, timeout=30) as http:
            words = [wanted.signed(key, Caller("admin", Role.ADMIN)) for key in (OLD, NEW)]
            believed.append([(await wanted.send(http, f"Bearer {word}")).status_code for word in words])
    assert believed == [[200, 401], [200, 200], [401, 200]]
