"""The catalogue, as the model server offers it now."""

from flask import Response, jsonify
from flask_openapi import APIBlueprint

from web import presenters, shapes
from web.database import db
from web.services import services

models = APIBlueprint("models", __name__, url_prefix="/api", abp_tags=[shapes.MODELS])


@models.get(
    "/models",
    summary="The models, with limits and prices; retired ones last and not available",
    responses={200: shapes.ModelPage, **shapes.problems()},
)
def list_models() -> Response:
    part = services()
    offers, local = part.catalogue.offers(db.session()), part.config.model_server_is_local
    data = [presenters.model(offer, local=local) for offer in offers]
    return jsonify({"data": data, "next": None})
