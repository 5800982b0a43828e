"""What one has spent, against one's limits."""

from datetime import UTC, datetime

from flask import Response, jsonify
from flask_openapi import APIBlueprint

from common import spending
from web import access_presenters as presenters
from web import access_shapes, shapes
from web.auth import caller
from web.database import db
from web.services import services

usage = APIBlueprint("usage", __name__, url_prefix="/api", abp_tags=[access_shapes.ACCOUNTS])


@usage.get(
    "/usage",
    summary="What one has spent today, this month and by day, and one's limits",
    responses={200: access_shapes.UsagePage, **shapes.problems()},
)
def read_usage() -> Response:
    asking = caller()
    days = spending.by_day(db.session(), asking.id)
    today = datetime.now(UTC).date()
    this_month = [spent for day, spent in days.items() if day >= today.replace(day=1)]
    return jsonify(
        {
            "today": presenters.spent(days.get(today, spending.Spent())),
            "month": presenters.spent(sum(this_month, spending.Spent())),
            "limits": presenters.limits(services().limits_of(asking.limits)),
            "days": [
                {"day": day.isoformat(), **presenters.spent(spent)} for day, spent in days.items()
            ],
        }
    )
