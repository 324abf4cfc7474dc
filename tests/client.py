"""Asks a service's API as the gateway would, on behalf of a caller."""

import json
from uuid import uuid4

import httpx2 as httpx

from shared import auth
from shared.auth import Caller
from tests.installation import Installation


class Client:
    """One service's API, without a network in between."""

    def __init__(self, http: httpx.AsyncClient, installation: Installation, service: str, usual: Caller) -> None:
        self.http, self.installation, self.service, self.usual = http, installation, service, usual

    async def ask(
        self, method: str, path: str, body: object = None, *, caller: Caller | None = None, key: str = ""
    ) -> httpx.Response:
        """Its answer; `caller` is the usual one where none is named, the key a new one."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid4())}
        request = self.http.build_request(method, path, content=content or None, headers=headers)
        signed = auth.sign(
            self.installation.key,
            caller or self.usual,
            self.service,
            method,
            request.url.path,
            query=request.url.query.decode(),
            idempotency_key=headers["Idempotency-Key"],
            body=content,
        )
        request.headers["Authorization"] = f"Bearer {signed}"
        return await self.http.send(request)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, which must be a problem with a sentence."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body["code"]
