"""Looking for words in all conversations, or in one."""

from flask import Response, jsonify
from flask_openapi import APIBlueprint

from common.search import search as look
from web import listing, presenters, shapes
from web.auth import current_user_id
from web.database import db
from web.inputs import ListingCursor, SearchQuery

search = APIBlueprint("search", __name__, url_prefix="/api", abp_tags=[shapes.CONVERSATIONS])


@search.get(
    "/search",
    summary="Where words were said, or stand in a title: newest first, in all conversations or one",
    responses={200: shapes.HitPage, **shapes.problems()},
)
def search_messages(query: SearchQuery) -> Response:
    cursor = listing.decode(query.cursor)
    page = look(
        db.session(),
        current_user_id(),
        query.q,
        conversation_id=query.conversation_id,
        before=cursor.id if cursor else None,
        limit=query.limit,
    )
    following = page[-1].key if len(page) == query.limit else None
    return jsonify(
        {
            "data": [presenters.hit(item) for item in page],
            "next": listing.encode(ListingCursor(id=following)) if following else None,
        }
    )
