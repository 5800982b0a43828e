"""A house that many tests share, each with an Alice and a Bob of its own; or one's own house."""

from collections.abc import Iterator

import pytest
from flask_openapi import OpenAPI

from common.config import TestingConfig
from tests.conftest import fresh_config
from tests.databases import Databases
from tests.upstream import Upstream
from tests.web.accounts import Guest, browser, member
from tests.web.hand import Hand
from tests.web.people import Person, nobody, person
from web.create_app import create_app
from web.database import close_all


@pytest.fixture(scope="session")
def house_config(databases: Databases, upstream: Upstream) -> TestingConfig:
    return fresh_config(databases, upstream)


@pytest.fixture(scope="session")
def house(house_config: TestingConfig) -> Iterator[OpenAPI]:
    """The application on one database for all: no worker is online, no model was listed."""
    app = create_app(house_config)
    yield app
    with app.app_context():
        close_all()


@pytest.fixture(scope="session")
def hand(house_config: TestingConfig) -> Iterator[Hand]:
    """A worker's hand in the shared house."""
    hand = Hand.of(house_config)
    yield hand
    hand.close()


@pytest.fixture
def alice(house: OpenAPI) -> Person:
    return person(house, "Alice")


@pytest.fixture
def bob(house: OpenAPI) -> Person:
    return person(house, "Bob")


@pytest.fixture
def anyone(house: OpenAPI) -> Person:
    return nobody(house)


@pytest.fixture
def own_hand(config: TestingConfig) -> Iterator[Hand]:
    """A worker's hand in a house of the test's own: that of the fixtures `app` and `config`."""
    hand = Hand.of(config)
    yield hand
    hand.close()


@pytest.fixture(scope="session")
def accounts_config(databases: Databases, upstream: Upstream) -> TestingConfig:
    return fresh_config(databases, upstream).model_copy(
        update={"EPICODE_AUTH": "accounts", "EPICODE_TRUSTED_HOSTS": "chat.example.org"}
    )


@pytest.fixture(scope="session")
def club(accounts_config: TestingConfig) -> Iterator[OpenAPI]:
    """The application with accounts, on one database for all."""
    app = create_app(accounts_config)
    yield app
    with app.app_context():
        close_all()


@pytest.fixture
def alice_in(club: OpenAPI) -> Guest:
    """Alice, signed in."""
    return member(club, "Alice")


@pytest.fixture
def bob_in(club: OpenAPI) -> Guest:
    return member(club, "Bob")


@pytest.fixture
def administrator(club: OpenAPI) -> Guest:
    """An administrator, signed in; there are others."""
    member(club, "Deputy", role="admin", signed_in=False)
    return member(club, "Administrator", role="admin")


@pytest.fixture
def outsider(club: OpenAPI) -> Guest:
    """A browser in which nobody has signed in."""
    return browser(club)
