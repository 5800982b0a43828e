"""The catalogue: what is offered, what a turn may use, what it costs, and who is paused."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from common import catalogue as rules
from common.catalogue import DEFAULT_FILE, Catalogue, Limits, Offer
from common.errors import ConfigurationError, EpiCodeError
from common.jobs import Usage
from common.models import Model
from tests.common.rows import MODEL, now

SERVER = "http://127.0.0.1:1/v1"
SEED = ["chatgpt-4o-latest", "o4-mini", "gpt-4o-mini-2024-07-18"]


def lists(session: Session, *models: str, told: dict[str, Any] | None = None) -> None:
    """The server's listing, each model with what it told of its limits."""
    rules.record_listing(session, SERVER, {model: told or {} for model in models})


def ids(offers: list[Offer], *, available: bool = True) -> list[str]:
    return [offer.limits.id for offer in offers if offer.available == available]


def default(offers: list[Offer]) -> list[str]:
    return [offer.limits.id for offer in offers if offer.is_default]


def file_of(tmp_path: Path, *models: dict[str, Any]) -> Path:
    file = tmp_path / "models.json"
    file.write_text(json.dumps({"models": models}))
    return file


def test_the_default_catalogue_has_the_seeds_models() -> None:
    assert [entry["id"] for entry in json.loads(DEFAULT_FILE.read_text())["models"]] == SEED
    limits = Catalogue().limits("chatgpt-4o-latest")
    assert (limits.context_window, limits.max_output_tokens) == (128_000, 16_384)


def test_without_a_listing_the_catalogue_is_offered_as_it_is(session: Session) -> None:
    offers = Catalogue().offers(session)

    assert ids(offers) == SEED
    assert default(offers) == SEED[:1]


def test_the_servers_chat_models_are_offered_after_the_seeds_and_the_rest_is_retired(
    session: Session,
) -> None:
    lists(session, "zebra", "o4-mini", "llama3.2:3b")

    offers = Catalogue().offers(session)

    assert ids(offers) == ["o4-mini", "llama3.2:3b", "zebra"]
    assert ids(offers, available=False) == ["chatgpt-4o-latest", "gpt-4o-mini-2024-07-18"]
    assert default(offers) == ["o4-mini"]
    assert not any(offer.is_default for offer in offers if not offer.available)


@pytest.mark.parametrize(
    "model",
    [
        "text-embedding-3-small",
        "nomic-embed-text",
        "whisper-1",
        "tts-1-hd",
        "gpt-4o-audio-preview",
        "gpt-4o-realtime",
        "gpt-4o-transcribe",
        "dall-e-3",
        "gpt-image-1",
        "omni-moderation-latest",
        "bge-reranker-v2",
        "sora-2",
        "davinci-002",
    ],
)
def test_a_model_that_is_not_for_chat_is_not_offered(session: Session, model: str) -> None:
    lists(session, "llama3", model)

    assert ids(Catalogue().offers(session)) == ["llama3"]


def test_the_operators_default_is_the_default_where_the_server_has_it(
    session: Session,
) -> None:
    chosen = Catalogue(default_model="zebra")
    lists(session, *SEED, "zebra")
    assert default(chosen.offers(session)) == ["zebra"]
    assert chosen.choose(session, None).id == "zebra"

    lists(session, *SEED)

    assert default(chosen.offers(session)) == SEED[:1]
    assert chosen.choose(session, None).id == SEED[0]


def test_the_operators_default_is_the_default_while_no_list_could_be_had(
    session: Session,
) -> None:
    chosen = Catalogue(default_model="llama3.2:3b")
    offers = chosen.offers(session)

    assert ids(offers) == [*SEED, "llama3.2:3b"]
    assert default(offers) == ["llama3.2:3b"]
    assert chosen.choose(session, None).id == "llama3.2:3b"


def test_the_operators_default_is_offered_whatever_its_name_looks_like(
    session: Session,
) -> None:
    lists(session, "llama3", "eclipse-coder")

    assert ids(Catalogue().offers(session)) == ["llama3"]
    chosen = Catalogue(default_model="eclipse-coder")
    assert set(ids(chosen.offers(session))) == {"llama3", "eclipse-coder"}
    assert default(chosen.offers(session)) == ["eclipse-coder"]


def test_a_model_that_the_server_does_not_list_is_refused_naming_the_available(
    session: Session,
) -> None:
    lists(session, "o4-mini", "llama3")

    with pytest.raises(EpiCodeError) as refused:
        Catalogue().choose(session, "gpt-9")

    assert (refused.value.code, refused.value.status) == ("model_unavailable", 422)
    assert refused.value.params == {"model": "gpt-9", "available": "o4-mini, llama3"}
    assert Catalogue().choose(session, "llama3").id == "llama3"


def test_a_retired_model_of_the_catalogue_is_refused_too(session: Session) -> None:
    lists(session, "llama3")

    with pytest.raises(EpiCodeError, match="model_unavailable"):
        Catalogue().choose(session, "chatgpt-4o-latest")


def test_any_model_is_tried_while_no_list_could_be_had(session: Session) -> None:
    limits = Catalogue().choose(session, "gpt-9")

    assert (limits.id, limits.context_window, limits.max_output_tokens) == (
        "gpt-9",
        rules.UNKNOWN_WINDOW,
        rules.UNKNOWN_OUTPUT,
    )


def test_what_the_listing_told_of_a_model_is_used_unless_the_file_knows_better(
    session: Session,
) -> None:
    lists(session, "llama3", "o4-mini", told={"context_window": 8192})

    assert Catalogue().choose(session, "llama3").context_window == 8192
    assert Catalogue().limits_now(session, "llama3").context_window == 8192
    assert Catalogue().choose(session, "o4-mini").context_window == 200_000
    assert Catalogue().limits_now(session, "never seen").context_window == 32_768


def test_a_new_listing_replaces_the_last_one(session: Session) -> None:
    lists(session, "one", "two", told={"context_window": 4096})
    lists(session, "two", "three")

    assert ids(Catalogue().offers(session)) == ["three", "two"]
    assert Catalogue().limits_now(session, "two").context_window == rules.UNKNOWN_WINDOW


def test_another_servers_list_is_forgotten_and_the_same_servers_kept(session: Session) -> None:
    lists(session, "llama3")
    rules.forget_other_servers(session, SERVER)
    assert ids(Catalogue().offers(session)) == ["llama3"]

    rules.forget_other_servers(session, "https://api.openai.com/v1")

    assert ids(Catalogue().offers(session)) == SEED


def paused_until(session: Session, model: str) -> datetime | None:
    """When a model may be asked again; None: now."""
    return session.scalar(
        select(Model.paused_until).where(Model.id == model, Model.paused_until > func.now())
    )


def test_a_pause_lasts_until_the_latest_that_was_asked_for(session: Session) -> None:
    assert paused_until(session, MODEL) is None
    rules.pause(session, MODEL, timedelta(seconds=20))
    rules.pause(session, MODEL, timedelta(seconds=5))

    assert paused_until(session, MODEL) == now(session) + timedelta(seconds=20)
    assert paused_until(session, "o4-mini") is None

    rules.pause(session, MODEL, timedelta(seconds=60))

    assert paused_until(session, MODEL) == now(session) + timedelta(seconds=60)


def test_a_pause_that_is_over_is_none(session: Session) -> None:
    rules.pause(session, MODEL, timedelta(seconds=-1))

    assert paused_until(session, MODEL) is None


def test_a_pause_lists_no_model_and_a_listing_ends_no_pause(session: Session) -> None:
    rules.pause(session, "llama3", timedelta(seconds=20))
    assert ids(Catalogue().offers(session)) == SEED

    lists(session, "llama3")

    assert paused_until(session, "llama3") is not None


@pytest.mark.parametrize(
    ("params", "reserve"),
    [({}, 16_384), ({"max_output_tokens": 1000}, 1000), ({"max_output_tokens": 99_999}, 16_384)],
)
def test_the_budget_is_the_window_less_the_reserve_for_the_answer(
    params: dict[str, Any], reserve: int
) -> None:
    limits = Catalogue().limits("chatgpt-4o-latest")

    assert limits.answer_reserve(params) == reserve
    assert limits.budget(params) == 128_000 - reserve


def test_the_reserve_is_half_the_window_at_the_most() -> None:
    assert Catalogue().limits("o4-mini").budget({}) == 100_000
    assert Limits(id="s", label="s", context_window=2048, tokenizer="o200k").budget({}) == 1024


def test_other_tokenizers_shrink_the_budget_by_15_percent() -> None:
    limits = Catalogue().limits("llama3")

    assert not limits.counts_exactly
    assert limits.budget({}) == int((32_768 - 4_096) * 0.85)


@pytest.mark.parametrize("tokenizer", ["o200k", "cl100k"])
def test_openais_tokenizers_count_exactly(tokenizer: str) -> None:
    limits = Limits(id="m", label="m", tokenizer=tokenizer)

    assert limits.counts_exactly
    assert limits.budget({}) == 32_768 - 4_096


@pytest.mark.parametrize(
    ("model", "parameter"),
    [
        ("o4-mini", "reasoning_effort"),
        ("o3", "reasoning_effort"),
        ("openai/o1-pro", "reasoning_effort"),
        ("chatgpt-4o-latest", "temperature"),
        ("solo-1", "temperature"),
    ],
)
def test_the_o_series_takes_an_effort_and_no_temperature(model: str, parameter: str) -> None:
    assert Catalogue().limits(model).parameters == [parameter, "max_output_tokens"]


def test_a_cost_is_exact_to_the_last_digit_and_unknown_without_prices() -> None:
    usage = Usage(input_tokens=1_234_567, output_tokens=89)

    assert Catalogue().limits(MODEL).cost(usage) == Decimal("0.18523845")
    assert Catalogue().limits("llama3").cost(usage) is None


def test_a_catalogue_of_ones_own_replaces_the_default(session: Session, tmp_path: Path) -> None:
    file = file_of(tmp_path, {"id": "mine", "label": "Mine", "context_window": 9000})
    offers = Catalogue(file).offers(session)

    assert ids(offers) == ["mine"]
    assert offers[0].limits.context_window == 9000


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        '{"models": null}',
        '{"models": []}',
        '{"models": ["m"]}',
        '{"models": [{"id": "m"}]}',
        '{"models": [{"id": "m", "label": "m", "context_window": "large"}]}',
        '{"models": [{"id": "m", "label": "m", "contxt_window": 4096}]}',
        '{"models": [{"id": "m", "label": "m", "input_price": -1}]}',
        "\ud800",
    ],
)
def test_a_catalogue_that_can_not_be_used_stops_the_start_naming_its_setting(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "models.json"
    if content is not None:
        file.write_bytes(content.encode("utf-8", "surrogatepass"))

    with pytest.raises(ConfigurationError) as refused:
        Catalogue(file)

    assert str(refused.value).startswith(f"EPICODE_MODELS: {file} can't be used: ")


def test_an_empty_listing_is_none(session: Session) -> None:
    lists(session, "llama3")
    rules.record_listing(session, SERVER, {})

    assert ids(Catalogue().offers(session)) == SEED
    assert session.scalar(select(func.count()).select_from(text("models"))) == 1


def test_a_cost_that_no_row_can_hold_is_unknown(tmp_path: Path) -> None:
    file = file_of(tmp_path, {"id": "dear", "label": "", "input_price": 1e9, "output_price": 0})
    dear = Catalogue(file).limits("dear")

    assert dear.cost(Usage(input_tokens=999)) == 999_000
    assert dear.cost(Usage(input_tokens=1000)) is None


def test_an_endless_price_is_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, {"id": "m", "label": "", "input_price": float("inf")})

    with pytest.raises(ConfigurationError, match="input_price"):
        Catalogue(file)
