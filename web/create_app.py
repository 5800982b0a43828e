"""The application factory. Nothing connects here: gunicorn loads this before it forks."""

import sys
from typing import Any

import click
import orjson
from flask import Flask, Request, Response
from flask.json.provider import JSONProvider
from flask.sessions import SessionInterface, SessionMixin
from flask_openapi import Info, OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

import common.models  # noqa: F401 - registers the tables
from common.config import ROOT, BaseConfig, load_config
from common.log import set_up_logs
from web import shapes
from web.auth import register_auth
from web.compression import register_compression
from web.database import db, register_database
from web.guard import MAX_BODY_BYTES, register_guard
from web.metrics import register_metrics
from web.problems import invalid_input, register_problems
from web.routes.account import account
from web.routes.account_pages import account_pages
from web.routes.admin import admin
from web.routes.admin_jobs import admin_jobs
from web.routes.conversations import conversations
from web.routes.health import health
from web.routes.jobs import jobs
from web.routes.keys import keys
from web.routes.leaving import leaving
from web.routes.messages import messages
from web.routes.metrics import metrics
from web.routes.models import models
from web.routes.pages import pages
from web.routes.prompts import prompts
from web.routes.search import search
from web.routes.sessions import sessions
from web.routes.transfers import transfers
from web.routes.usage import usage
from web.services import Services


def create_app(config: BaseConfig | None = None) -> OpenAPI:
    """The Flask application. Raises ConfigurationError when the settings are wrong."""
    config = config or load_config()
    set_up_logs(config)
    app = OpenAPI(
        "web",
        info=Info(title="EpiCode", version="1"),
        doc_ui=False,
        validation_error_status=422,
        validation_error_model=shapes.Problem,
        validation_error_callback=invalid_input,
    )
    app.config.from_object(config)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json = OrjsonProvider(app)
    app.session_interface = NoSession()
    looks = register_database(app, config.DATABASE_URL)
    _register_migrations(app)
    app.extensions["epicode"] = Services.of(config, looks)
    register_compression(app)
    register_problems(app)
    register_guard(app, config)
    register_auth(app)
    register_metrics(app)
    chat = (conversations, messages, search, transfers, prompts, jobs, models)
    people = (sessions, account, leaving, keys, usage, admin, admin_jobs)
    for api in (*chat, *people, health):
        app.register_api(api)
    app.register_blueprint(pages)
    app.register_blueprint(metrics)
    app.register_blueprint(account_pages)
    if config.EPICODE_PROXIES:
        proxies = config.EPICODE_PROXIES
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)
    return app


def _register_migrations(app: Flask) -> None:
    """For `flask` and for our own commands that migrate. Who serves would hold 8 MB of Alembic for
    nothing."""
    is_for_flask = click.get_current_context(silent=True) is not None
    if is_for_flask or "flask_migrate" in sys.modules:
        from flask_migrate import Migrate

        Migrate(app, db, directory=str(ROOT / "migrations"))


class NoSession(SessionInterface):
    """Nothing is kept in Flask's session, whose signed cookie each request would look for."""

    def open_session(self, app: Flask, request: Request) -> None:
        return None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        return None


class OrjsonProvider(JSONProvider):
    """Strict and quick: refuses NaN, lone surrogates and endless nesting with a ValueError."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)
