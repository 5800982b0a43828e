"""The catalogue: which models there are, their limits and prices, and which can be had now.

The catalogue file (EPICODE_MODELS, else `catalogue.json` beside this file) says what is known of
a model; the `models` table says what the model server lists. Together they are the offer.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from common.db import Transaction
from common.errors import ConfigurationError, EpiCodeError
from common.jobs import Usage
from common.models import Model

DEFAULT_FILE = Path(__file__).with_name("catalogue.json")
UNKNOWN_WINDOW = 32_768
UNKNOWN_OUTPUT = 4_096
# Other tokenizers may need more tokens for the same text than we count.
INEXACT_MARGIN = 0.15
# `jobs.cost` has six digits before the point.
MOST_DOLLARS = 1_000_000

_NOT_FOR_CHAT = re.compile(
    r"embed|whisper|tts|audio|speech|transcri|realtime|image|dall-e|moderation|rerank|clip"
    r"|stable-diffusion|sora|babbage|davinci",
    re.IGNORECASE,
)
_REASONING = re.compile(r"(^|/)o\d")


class Limits(BaseModel):
    """What is known of one model. Prices are US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    label: str
    context_window: int = Field(UNKNOWN_WINDOW, ge=1024)
    max_output_tokens: int = Field(UNKNOWN_OUTPUT, ge=1)
    input_price: float | None = Field(None, ge=0, allow_inf_nan=False)
    output_price: float | None = Field(None, ge=0, allow_inf_nan=False)
    tokenizer: str | None = None
    # The o-series: `max_completion_tokens`, an effort, and no temperature.
    reasoning: bool = False

    @property
    def counts_exactly(self) -> bool:
        return self.tokenizer in ("o200k", "cl100k")

    @property
    def parameters(self) -> list[str]:
        """The params that this model takes."""
        own = "reasoning_effort" if self.reasoning else "temperature"
        return [own, "max_output_tokens"]

    def answer_reserve(self, params: dict[str, Any]) -> int:
        """Tokens of the window kept free for the answer, half the window at the most."""
        asked = params.get("max_output_tokens") or self.max_output_tokens
        return min(int(asked), self.max_output_tokens, self.context_window // 2)

    def budget(self, params: dict[str, Any]) -> int:
        """Tokens, as we count them, that may be sent to the model."""
        budget = self.context_window - self.answer_reserve(params)
        return budget if self.counts_exactly else int(budget * (1 - INEXACT_MARGIN))

    def cost(self, usage: Usage) -> Decimal | None:
        """US dollars; None where a price isn't known, or for more than a job's row can hold."""
        if self.input_price is None or self.output_price is None:
            return None
        dollars = Decimal(str(self.input_price)) * usage.input_tokens
        dollars += Decimal(str(self.output_price)) * usage.output_tokens
        dollars /= 1_000_000
        return dollars if dollars < MOST_DOLLARS else None


@dataclass(frozen=True)
class Offer:
    """One line of the picker. Not `available`: in the catalogue, but the server doesn't list it."""

    limits: Limits
    available: bool
    is_default: bool


# How many models are listed, and when that was last asked: another listing has another.
Listing = tuple[int, datetime | None]


@dataclass(frozen=True)
class _Read:
    """The list as it was last read: what it told of each model, and what is offered of it."""

    listing: Listing | None
    listed: dict[str, dict[str, Any]]
    offers: list[Offer]


class Catalogue:
    """The catalogue file, held against what the server lists."""

    def __init__(self, file: Path | None = None, default_model: str | None = None) -> None:
        self._limits = {limits.id: limits for limits in _read(file or DEFAULT_FILE)}
        self._default = default_model
        self._read: _Read | None = None

    def limits(self, model: str, told: dict[str, Any] | None = None) -> Limits:
        """What is known of a model: the file's entry, else what its listing `told`, or defaults."""
        if model in self._limits:
            return self._limits[model]
        known = {
            key: told[key]
            for key in ("context_window", "max_output_tokens")
            if told and told.get(key)
        }
        return Limits(id=model, label=model, reasoning=bool(_REASONING.search(model)), **known)

    def offers(self, session: Transaction) -> list[Offer]:
        """The picker: seed and chat models first; retired ones last, marked."""
        return self._offers(_listed(session))

    def choose(
        self, session: Transaction, asked: str | None, listing: Listing | None = None
    ) -> Limits:
        """The model that a turn will use: the one asked for, else the default.

        `listing` marks the state of the server's list, which is read again only when that has
        changed, or isn't given. Raises EpiCodeError `model_unavailable`, naming the available
        ones, for a model that the server doesn't list; while no list could be had, any model is
        tried.
        """
        read = self._read
        if read is None or listing is None or read.listing != listing:
            listed = _listed(session)
            self._read = read = _Read(listing, listed, self._offers(listed))
        listed, offers = read.listed, read.offers
        if asked is None:
            return next((offer.limits for offer in offers if offer.is_default), offers[0].limits)
        if listed and asked not in listed:
            names = [offer.limits.id for offer in offers if offer.available]
            raise EpiCodeError("model_unavailable", model=asked, available=", ".join(names))
        return self.limits(asked, listed.get(asked))

    def limits_now(self, session: Transaction, model: str) -> Limits:
        """`limits` with what the server last told of this model."""
        return self.limits(model, session.scalar(select(Model.limits).where(Model.id == model)))

    def _offers(self, listed: dict[str, dict[str, Any]]) -> list[Offer]:
        known = self._known(listed)
        if not listed:
            return self._marked(list(known.values()), [])
        offered = [limits for model, limits in known.items() if model in listed]
        offered += [
            self.limits(model, told)
            for model, told in sorted(listed.items())
            if model not in known and not _NOT_FOR_CHAT.search(model)
        ]
        retired = [limits for model, limits in known.items() if model not in listed]
        return self._marked(offered, retired)

    def _known(self, listed: dict[str, dict[str, Any]]) -> dict[str, Limits]:
        """The file's models, and the operator's default unless the server says it has none such."""
        default = self._default
        if default is None or (listed and default not in listed):
            return self._limits
        return self._limits | {default: self.limits(default, listed.get(default))}

    def _marked(self, available: list[Limits], retired: list[Limits]) -> list[Offer]:
        ids = [limits.id for limits in available]
        default = self._default if self._default in ids or not ids else ids[0]
        return [Offer(limits, True, limits.id == default) for limits in available] + [
            Offer(limits, False, False) for limits in retired
        ]


def record_listing(session: Session, base_url: str, listed: dict[str, dict[str, Any]]) -> None:
    """Keeps what the server at `base_url` lists now: model id → what it told of its limits."""
    now = func.now()
    for model in sorted(listed):
        row = {"limits": listed[model], "listed_at": now, "listed_from": base_url}
        session.execute(
            insert(Model)
            .values(id=model, **row)
            .on_conflict_do_update(index_elements=["id"], set_=row)
        )
    session.execute(
        update(Model)
        .where(Model.id.not_in(listed), Model.listed_at.is_not(None))
        .values(listed_at=None)
    )


def forget_other_servers(session: Session, base_url: str) -> None:
    """Drops another server's list when this one can't be asked: it is no offer of ours."""
    session.execute(
        update(Model)
        .where(Model.listed_from != base_url, Model.listed_at.is_not(None))
        .values(listed_at=None)
    )


def pause(session: Transaction, model: str, wait: timedelta) -> None:
    """The server said "slow down": nobody starts a job of this model for so long."""
    until = func.now() + wait
    session.execute(
        insert(Model)
        .values(id=model, paused_until=until)
        .on_conflict_do_update(
            index_elements=["id"],
            set_={"paused_until": func.greatest(func.coalesce(Model.paused_until, until), until)},
        )
    )


def _listed(session: Transaction) -> dict[str, dict[str, Any]]:
    rows = session.execute(select(Model.id, Model.limits).where(Model.listed_at.is_not(None)))
    return {row.id: row.limits for row in rows}


def _read(file: Path) -> list[Limits]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        limits = [Limits(**entry) for entry in content["models"]]
        if not limits:
            raise ValueError("it names no model")
        return limits
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise ConfigurationError(f"EPICODE_MODELS: {file} can't be used: {error}") from None
