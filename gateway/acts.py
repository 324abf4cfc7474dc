"""What staff did: each service has written down its own part."""

import asyncio

from fastapi import Response
from pydantic import TypeAdapter

from gateway.clients import Service
from shared.acts import MOST_ACTS
from shared.contracts.http.base import ActView

_acts = TypeAdapter(list[ActView])


async def list_acts(path: str, *services: Service) -> Response:
    """The newest acts that these know of, newest first: all of them or none, because a gap would not be seen."""
    answers = await asyncio.gather(*(service.ask("GET", path) for service in services))
    for answer in answers:
        if answer.status_code >= 400:
            return answer
    acts = [act for answer in answers for act in _acts.validate_json(bytes(answer.body))]
    newest = sorted(acts, key=lambda act: act.at, reverse=True)[:MOST_ACTS]
    return Response(_acts.dump_json(newest), media_type="application/json")
