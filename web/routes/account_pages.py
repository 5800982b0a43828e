"""The pages around the chat: signing in, joining, one's account, the administrator's.

In local mode nobody signs in: there are no doors, and the account's page shows keys and usage.
"""

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from common import invitations
from common.passwords import SHORTEST
from web.auth import has_accounts, visitor
from web.database import db
from web.shell import shell

account_pages = Blueprint("account_pages", __name__)


@account_pages.get("/sign-in")
def sign_in() -> AnyResponse:
    wanted = own_path(request.args.get("next"))
    if not has_accounts() or visitor() is not None:
        return redirect(wanted)
    return shell("sign_in.html", module="sign_in.js", boot={"next": wanted})


@account_pages.get("/join/<token>")
def join(token: str) -> AnyResponse:
    """An invitation that doesn't work says so before anybody fills in a form."""
    if not has_accounts():
        return redirect("/")
    invitation = invitations.open_one(db.session(), token)
    response = shell(
        "join.html",
        module="join.js",
        boot={"token": token if invitation else None},
        invitation=invitation,
        password_length=SHORTEST,
    )
    response.status_code = 200 if invitation else 404
    return response


@account_pages.get("/account")
def account() -> AnyResponse:
    found = visitor() if has_accounts() else None
    if has_accounts() and found is None:
        return to_sign_in()
    return shell(
        "account.html",
        module="account.js",
        here="account",
        visitor=found,
        password_length=SHORTEST,
    )


@account_pages.get("/admin")
def admin() -> AnyResponse:
    """For everybody but an administrator there is no such page."""
    found = visitor() if has_accounts() else None
    if has_accounts() and found is None:
        return to_sign_in()
    if found is not None and found.role != "admin":
        abort(404)
    return shell("admin.html", module="admin.js", here="admin", visitor=found)


def to_sign_in() -> Response:
    """To the sign-in page, and back to this address afterwards."""
    here = request.full_path if request.query_string else request.path
    return redirect(f"/sign-in?{urlencode({'next': here})}")  # type: ignore[return-value]


def own_path(wanted: str | None) -> str:
    """The path of this site that is wanted, else "/": anybody may have written the address."""
    if not wanted or not wanted.startswith("/"):
        return "/"
    # browsers read a backslash as a slash, and two slashes as the start of a host
    address = urlsplit(wanted.replace("\\", "/"))
    return "/" if address.scheme or address.netloc else wanted
