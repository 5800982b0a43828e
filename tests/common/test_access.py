"""Users and their keys: a key is shown once, only its hash is kept."""

import hashlib

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from common.access import KEY_PREFIX, create_api_key, create_user
from common.models import ApiKey, User
from common.models.access import LOCAL_USER_ID


def test_the_local_user_exists_from_the_first_migration(session: Session) -> None:
    user = session.get_one(User, LOCAL_USER_ID)

    assert (user.email, user.role, user.password_hash) == ("local", "admin", None)


def test_a_user_is_made_once(session: Session) -> None:
    bob = create_user(session, "bob")

    assert create_user(session, "bob").id == bob.id
    assert create_user(session, "alice").id != bob.id
    session.refresh(bob)
    assert (bob.role, bob.display_name) == ("member", "bob")


def test_of_a_key_only_its_hash_and_its_beginning_are_kept(session: Session) -> None:
    bob = create_user(session, "bob")

    key = create_api_key(session, bob, "laptop")

    row = session.scalars(select(ApiKey).where(ApiKey.user_id == bob.id)).one()
    assert row.sha256 == hashlib.sha256(key.encode()).digest()
    assert (row.name, row.scopes) == ("laptop", ["read", "write"])
    assert key.startswith(row.prefix)
    assert len(row.prefix) == len(KEY_PREFIX) + 4
    whole = session.scalar(text("SELECT row_to_json(api_keys)::text FROM api_keys"))
    assert key not in str(whole)
    assert key.removeprefix(KEY_PREFIX) not in str(whole)


def test_no_two_keys_are_alike_and_none_can_be_guessed(session: Session) -> None:
    carol = create_user(session, "carol")

    keys = {create_api_key(session, carol, "key") for _ in range(50)}

    assert len(keys) == 50
    assert min(len(key) for key in keys) >= len(KEY_PREFIX) + 43  # 32 random bytes
