"""Every error as RFC 9457 `application/problem+json`, with a stable code and a request id."""

import math
from functools import partial
from typing import Any, cast

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from pydantic import ValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from common.errors import EpiCodeError
from web.database import db
from web.i18n import Language, language, translate
from web.inputs import PATH_MODEL

DATABASE_RETRY_SECONDS = 5

log = structlog.get_logger(__name__)

_CODE_OF_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
}


def problem(error: EpiCodeError) -> Response:
    """The answer for an error of ours."""
    lang = language()
    title, detail = sentences(lang, error.code, error.params)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": error.status,
        "detail": detail,
        "code": error.code,
        "request_id": g.get("request_id"),
    }
    if error.fields is not None:
        body["errors"] = [
            {
                "field": field["field"],
                "message": translate(lang, f"error.{field['key']}", **field.get("params", {})),
            }
            for field in error.fields
        ]
    if "job_id" in error.params:
        body["job_id"] = error.params["job_id"]
    if _wants_page():
        t = partial(translate, lang)
        response = make_response(render_template("problem.html", lang=lang, t=t, problem=body))
    else:
        response = jsonify(body)
        response.content_type = "application/problem+json"
    response.status_code = error.status
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 asks for it
    return response


def _wants_page() -> bool:
    """Whether a person's browser asked for a page: it says so, and programs don't."""
    is_api = request.path.startswith(("/api/", "/health", "/metrics", "/static/"))
    return not is_api and "text/html" in request.headers.get("Accept", "")


def sentences(lang: Language, code: str, params: dict[str, Any]) -> tuple[str, str]:
    """Title and detail of an error code in a person's words."""
    if "period" in params:
        params = params | {"period": translate(lang, f"period.{params['period']}")}
    return (
        translate(lang, f"error.{code}.title", **params),
        translate(lang, f"error.{code}.detail", **params),
    )


def invalid_input(error: ValidationError) -> Response:
    """flask-openapi's refusal: a path that can't be an id is a thing that isn't there."""
    if error.title == PATH_MODEL:
        return problem(EpiCodeError("not_found"))
    fields = [
        {
            "field": ".".join(str(part) for part in item["loc"]) or "body",
            **_reason(item["type"], item.get("ctx", {})),
        }
        for item in error.errors(include_url=False, include_input=False)
    ]
    return problem(EpiCodeError("invalid_input", fields=fields))


def register_problems(app: Flask) -> None:
    @app.errorhandler(EpiCodeError)
    def ours(error: EpiCodeError) -> Response:
        db.session.rollback()
        return problem(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if error.response is not None:  # already an answer of ours
            return cast(Response, error.response)
        if error.code is not None and error.code < 400:  # a redirect, as from //api to /api
            return cast(Response, error.get_response())
        code = _CODE_OF_STATUS.get(error.code or 500, "bad_request")
        answer = problem(EpiCodeError(code))
        if (error.code or 500) < 500:
            answer.status_code = error.code or 500
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def database_away(error: Exception) -> Response:
        log.warning("database_unavailable", error=type(error).__name__)
        return problem(EpiCodeError("database_unavailable", retry_after=DATABASE_RETRY_SECONDS))

    @app.errorhandler(RedisError)
    def redis_away(error: RedisError) -> Response:
        log.warning("redis_unavailable", error=type(error).__name__)
        return problem(EpiCodeError("redis_unavailable", retry_after=DATABASE_RETRY_SECONDS))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return database_away(error)
        log.error("unexpected_error", exc_info=error)
        return problem(EpiCodeError("internal_error"))


def _reason(kind: str, context: dict[str, Any]) -> dict[str, Any]:
    """The sentence for a kind of pydantic error; the general one for those that are rare."""
    known = {
        "missing": "missing",
        "extra_forbidden": "unknown_field",
        "string_type": "not_text",
        "string_too_short": "too_short",
        "string_too_long": "too_long",
        "too_short": "too_short",
        "too_long": "too_long",
        "model_type": "not_an_object",
        "unusable_text": "unusable_text",
        "literal_error": "not_a_choice",
        "uuid_parsing": "not_an_id",
        "uuid_type": "not_an_id",
        "bool_type": "not_a_boolean",
        "int_type": "not_a_whole_number",
        "int_parsing": "not_a_whole_number",
        "float_type": "not_a_number",
        "greater_than_equal": "too_small",
        "less_than_equal": "too_large",
    }
    numbers: dict[str, Any] = {
        name: context[name] for name in ("min_length", "max_length", "ge", "le") if name in context
    }
    if "expected" in context:  # pydantic's list of choices, which ends in English
        numbers["expected"] = context["expected"].replace(" or ", ", ")
    return {"key": f"invalid.{known.get(kind, 'value')}", "params": numbers}
