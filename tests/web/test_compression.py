"""What is packed for whom."""

import gzip
import json

import pytest

from tests.web.people import Person
from web.compression import SMALLEST

GZIP = {"Accept-Encoding": "br, gzip"}


@pytest.mark.parametrize(
    "path", ["/", "/static/js/api.js", "/static/i18n/es.json", "/api/openapi.json", "/api/docs"]
)
def test_pages_files_and_json_are_packed_for_who_takes_it(anyone: Person, path: str) -> None:
    plain = anyone.get(path)
    for _ in range(2):  # a file is packed once, and then given as it was packed
        packed = anyone.get(path, headers=GZIP)

        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert len(packed.data) == int(packed.headers["Content-Length"]) < len(plain.data) / 2
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize("accepts", ["", "identity", "gzip;q=0, deflate", "br"])
def test_nothing_is_packed_for_who_does_not_take_it(anyone: Person, accepts: str) -> None:
    answer = anyone.get("/api/openapi.json", headers={"Accept-Encoding": accepts})

    assert "Content-Encoding" not in answer.headers
    assert answer.get_json()["openapi"]


def test_a_packed_file_that_did_not_change_is_not_sent_again(anyone: Person) -> None:
    packed = anyone.get("/static/js/api.js", headers=GZIP)
    again = anyone.get(
        "/static/js/api.js", headers=GZIP | {"If-None-Match": packed.headers["ETag"]}
    )

    assert packed.headers["ETag"].startswith("W/")  # other bytes than the plain file's
    assert (again.status_code, again.data) == (304, b"")


def test_a_range_of_a_file_and_a_small_answer_go_out_as_they_are(anyone: Person) -> None:
    part = anyone.get("/static/js/api.js", headers=GZIP | {"Range": "bytes=0-9"})
    small = anyone.get("/health", headers=GZIP)

    assert (part.status_code, len(part.data)) == (206, 10)
    assert len(small.data) < SMALLEST
    assert "Content-Encoding" not in part.headers
    assert "Content-Encoding" not in small.headers


def test_a_page_of_messages_is_packed(alice: Person) -> None:
    conversation = alice.converse()["id"]
    alice.say(conversation, "una y otra vez " * 1000)
    url = f"/api/conversations/{conversation}/messages"

    headers = GZIP | {"Authorization": f"Bearer {alice.key}"}
    packed = alice.app.test_client().get(url, headers=headers)

    assert json.loads(gzip.decompress(packed.data)) == alice.branch(conversation)
    assert len(packed.data) < 3000
