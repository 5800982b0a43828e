"""What a reader is told when the model server ends a job: whole sentences, in either language."""

import re

import pytest

from tests.reader import ask
from tests.stack import Stack
from tests.upstream import Answer, Done, End, Script, Text, failing, reply
from web.i18n import LANGUAGES, catalogue

ENDS: dict[str, tuple[str, Answer]] = {
    "401": ("invalid_api_key", failing(401, "invalid_api_key")),
    "403": ("permission_denied", failing(403)),
    "404": ("model_not_found", failing(404, "model_not_found")),
    "quota": ("quota_exceeded", failing(429, "insufficient_quota")),
    "429": ("rate_limited", failing(429, "rate_limit_exceeded")),
    "window": ("context_length_exceeded", failing(400, "context_length_exceeded")),
    "400": ("upstream_rejected", failing(400, "unsupported_value")),
    "filtered 400": ("content_filter", failing(400, "content_filter")),
    "500": ("upstream_unavailable", failing(500)),
    "ends": ("upstream_malformed", Script(steps=(Text("half"),))),
    "empty": ("empty_reply", Script(steps=(End(), Done()))),
    "length": ("max_output_tokens", reply("half", finish_reason="length")),
    "filtered": ("content_filter", reply("half", finish_reason="content_filter")),
    "flood": ("output_too_long", Script(steps=(Text("y" * 2**16),) * 20)),
}


@pytest.fixture(scope="module")
def ended(stack: Stack) -> dict[str, str]:
    """The job of each ending, all run at once."""
    with stack.client() as client:
        readers = {}
        for name, (_, answer) in ENDS.items():
            stack.upstream.script(f"[[told {name}]]", answer)
            readers[name] = ask(client, f"[[told {name}]]")
        for reader in readers.values():
            reader.read_to_end()
    return {name: reader.job_id for name, reader in readers.items()}


@pytest.mark.parametrize("name", ENDS)
def test_a_reader_is_told_why_in_whole_sentences(
    stack: Stack, ended: dict[str, str], name: str
) -> None:
    code, _ = ENDS[name]
    for lang in LANGUAGES:
        with stack.client(headers={"Accept-Language": lang}) as client:
            error = client.get(f"/api/jobs/{ended[name]}").json()["error"]

        assert error["code"] == code
        assert error["title"] == catalogue(lang)[f"error.{code}.title"]
        pattern = re.escape(catalogue(lang)[f"error.{code}.detail"])
        filled = re.sub(r"\\\{\w+\\\}", r"[^{}]+", pattern)
        assert re.fullmatch(filled, error["detail"])
