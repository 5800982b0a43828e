"""The first administrator: made by a command, or by the link that a start prints."""

import subprocess
import sys

from common import first_administrator
from common.config import ROOT, TestingConfig
from common.models.access import LOCAL_USER_ID
from tests.house.commands import environment, run
from tests.web.accounts import browser
from web.create_app import create_app
from web.database import close_all

PASSWORD = "una contraseña larga"


def create_admin(
    config: TestingConfig, email: str, password: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "create-admin", email],
        cwd=ROOT,
        env=environment(config, EPICODE_AUTH="accounts"),
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_create_admin_makes_one_who_can_sign_in_and_says_no_secret(config: TestingConfig) -> None:
    made = create_admin(config, "Alice@example.org", PASSWORD)
    short = create_admin(config, "bob@example.org", "corta")
    again = create_admin(config, "alice@example.org", f"{PASSWORD} nueva")

    assert (made.returncode, short.returncode, again.returncode) == (0, 1, 0), made.stderr
    assert "a password has 10 to 200 characters" in short.stderr
    assert PASSWORD not in made.stdout + made.stderr + short.stderr + again.stdout + again.stderr
    app = create_app(config.model_copy(update={"EPICODE_AUTH": "accounts"}))
    alice = browser(app)
    alice.email = "alice@example.org"
    assert alice.sign_in(PASSWORD).status_code == 401
    user = alice.sign_in(f"{PASSWORD} nueva").get_json()["user"]
    assert (user["role"], user["id"]) == ("admin", str(LOCAL_USER_ID))
    with app.app_context():
        close_all()


def test_a_link_is_printed_only_while_nobody_administers(config: TestingConfig) -> None:
    accounts = config.model_copy(
        update={"EPICODE_AUTH": "accounts", "EPICODE_TRUSTED_HOSTS": "chat.example.org"}
    )
    assert first_administrator.link(config) is None  # local mode

    said = first_administrator.sentence_at_start(accounts)

    assert said is not None
    assert "https://chat.example.org/join/" in said
    by_hand = run(config, "manage.py", "admin-link", EPICODE_AUTH="accounts")
    assert by_hand.stdout.startswith(f"http://127.0.0.1:{config.EPICODE_PORT}/join/")
    create_admin(config, "alice@example.org", PASSWORD)
    assert first_administrator.sentence_at_start(accounts) is None
    refused = run(config, "manage.py", "admin-link", EPICODE_AUTH="accounts")
    assert (refused.returncode, refused.stdout) == (1, "")
    away = accounts.model_copy(update={"DATABASE_URL": "postgresql://no:no@127.0.0.1:1/none"})
    assert first_administrator.sentence_at_start(away) is None
