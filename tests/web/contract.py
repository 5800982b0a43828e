"""Holds every answer against the OpenAPI document: status, kind of content, shape, times.

    Contract(app.api_doc).check("GET", "/api/models", 200, "application/json", body)

The shapes are those of web/shapes.py, strictly: a key too many, one too few or a number where a
text was promised fails the test that asked.
"""

import json
import re
from typing import Any

from pydantic import BaseModel

from web import access_shapes, admin_shapes, shapes

PROBLEM = "application/problem+json"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Contract:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations)
            for path, operations in document["paths"].items()
        ]

    def operations(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(verb, path, operation) of every documented route."""
        return [
            (verb.upper(), path, operation)
            for path, operations in self.document["paths"].items()
            for verb, operation in operations.items()
        ]

    def check(self, verb: str, path: str, status: int, kind: str, body: bytes) -> None:
        """Fails unless the document promises this answer."""
        said = f"{verb} {path} answered {status} {kind} {body[:600]!r}"
        assert status < 500 or status == 503, said
        operation = self._operation(verb, path)
        if operation is not None:
            assert str(status) in operation["responses"], f"not in the document: {said}"
        if status >= 400:
            assert kind == PROBLEM, said
            self._check_problem(status, json.loads(body), said)
        elif operation is not None:
            self._check_content(operation["responses"][str(status)], kind, body, said)

    def _operation(self, verb: str, path: str) -> dict[str, Any] | None:
        for pattern, operations in self._paths:
            if pattern.fullmatch(path):
                found: dict[str, Any] | None = operations.get(verb.lower())
                return found
        return None

    def _check_problem(self, status: int, body: dict[str, Any], said: str) -> None:
        shapes.Problem.model_validate(body, strict=True)
        assert body["type"] == "about:blank", said
        assert body["status"] == status, said
        assert body["request_id"].startswith("req_"), said
        sentences = [body["title"], body["detail"], *[e["message"] for e in body.get("errors", [])]]
        for sentence in sentences:
            assert sentence.strip(), said
            assert not re.search(r"\{\w+\}", sentence), f"an empty placeholder: {said}"

    def _check_content(self, response: dict[str, Any], kind: str, body: bytes, said: str) -> None:
        if "content" not in response:
            assert body == b"", said
            return
        assert kind in response["content"], said
        if kind != "application/json":
            return
        name = response["content"]["application/json"]["schema"]["$ref"].rsplit("/")[-1]
        shape = shape_named(name)
        answer = json.loads(body)
        shape.model_validate(answer, strict=True)
        _check_times(answer, said)


def shape_named(name: str) -> type[BaseModel]:
    """The class of an answer's schema."""
    for module in (shapes, access_shapes, admin_shapes):
        if hasattr(module, name):
            found: type[BaseModel] = getattr(module, name)
            return found
    raise AssertionError(f"no shape is called {name}")


def _check_times(value: Any, said: str) -> None:
    if isinstance(value, list):
        for item in value:
            _check_times(item, said)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key.endswith("_at") and item is not None:
                assert _TIME.fullmatch(item), f"{key}={item} in {said}"
            else:
                _check_times(item, said)
