"""Holds every answer against what the interface's own OpenAPI document promises."""

import re
from typing import Any

import httpx2 as httpx
from jsonschema import Draft202012Validator


class Promise:
    """An OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.paths = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), operations)
            for path, operations in document["paths"].items()
        ]

    def check(self, answer: httpx.Response) -> None:
        """The status, the media type and the body are ones that the document names for this method and path."""
        method, path = answer.request.method.lower(), answer.request.url.path
        # A path without placeholders comes first: /tickets/counts is not a ticket.
        found = [operations for pattern, operations in self.paths if pattern.match(path) and method in operations]
        if not found:
            assert answer.status_code in (404, 405), f"{method} {path} is not in the document"
            return
        responses = found[0][method]["responses"]
        status = str(answer.status_code)
        promised = responses.get(status) or responses.get(status[0] + "XX")
        assert promised is not None, f"{method} {path} answered {status}, which the document does not name"
        if "content" not in promised:
            assert answer.content == b"", f"{method} {path} {status} should have no body: {answer.text}"
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in promised["content"], f"{method} {path} {status} is {media_type}"
        schema = promised["content"][media_type].get("schema", {})
        if media_type.endswith("json"):
            rooted = {**schema, "components": self.document["components"]}
            Draft202012Validator(rooted).validate(answer.json())
