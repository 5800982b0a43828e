"""Fills a database with conversations to look at: made by the rules that real ones are made by."""

import argparse
import sys
import uuid
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from commands.database import connected
from common import conversations, jobs
from common.acceptance import WaitingCaps
from common.access import create_user
from common.catalogue import Catalogue
from common.config import BaseConfig
from common.errors import EpiCodeError
from common.jobs import Said, Usage
from common.models import User
from common.models.access import LOCAL_USER_ID
from common.statement import Row
from common.system_prompt import DEFAULT_SYSTEM_PROMPT
from common.tokens import count_tokens

MINUTE = timedelta(minutes=1)
ALL = WaitingCaps(10**6, 10**6)

# Title → turns of (question, reply); repeated, with a number, when more are asked for.
TALKS: dict[str, list[tuple[str, str]]] = {
    "Una cola en PostgreSQL": [
        (
            "¿Cómo hago una cola de trabajos con PostgreSQL?",
            "Con una tabla y `FOR UPDATE SKIP LOCKED`:\n\n```sql\nSELECT id FROM jobs\n"
            "WHERE status = 'queued'\nORDER BY queued_at\nFOR UPDATE SKIP LOCKED\nLIMIT 1;\n```\n\n"
            "Cada worker toma una fila distinta y nadie espera a nadie.",
        ),
        (
            "¿Y si el worker muere?",
            "Dale un **plazo** (*lease*) que renueva mientras vive. Si vence, otro lo toma, "
            "y un número de intento impide que el primero escriba si resucita.",
        ),
    ],
    "Pruebas que no fallan al azar": [
        (
            "Mis pruebas fallan una de cada veinte veces. ¿Por dónde empiezo?",
            "Casi siempre es el tiempo o el orden:\n\n1. Espera **sucesos**, no segundos.\n"
            "2. Da a cada prueba sus propios datos.\n3. Baraja el orden y repite las que fallan.",
        ),
    ],
    "Counting tokens offline": [
        (
            "How can I count tokens without a network?",
            "Ship the vocabulary with your program and count with `tiktoken`:\n\n```python\n"
            "import tiktoken\n\nencoding = tiktoken.get_encoding('o200k_base')\n"
            "print(len(encoding.encode_ordinary('Hola, mundo')))\n```",
        ),
    ],
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--conversations", type=int, default=6, metavar="N")
    parser.add_argument("--user", help="whose they are, made if absent; else the local user")


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    catalogue = Catalogue(config.EPICODE_MODELS, config.EPICODE_DEFAULT_MODEL)
    try:
        with connected(config) as database, database.transaction() as session:
            owner = create_user(session, options.user).id if options.user else LOCAL_USER_ID
            for number in range(options.conversations):
                _converse(session, owner, catalogue, number)
    except EpiCodeError as error:
        print(f"EpiCode: nothing was written ({error.code})", file=sys.stderr)
        return 1
    print(f"{options.conversations} conversations")
    return 0


def _converse(session: Session, owner: uuid.UUID, catalogue: Catalogue, number: int) -> None:
    titles = list(TALKS)
    title = titles[number % len(titles)]
    again = number // len(titles)
    locale = session.scalars(select(User.locale).where(User.id == owner)).one()
    conversation = conversations.create(
        session,
        owner,
        system_prompt=DEFAULT_SYSTEM_PROMPT["en" if locale == "en" else "es"],
        title=f"{title} {again + 1}" if again else title,
    )
    for question, reply in TALKS[title]:
        _exchange(session, owner, conversation, catalogue, question, reply)
    # an hour apart, so that the list has an order
    session.execute(
        text("UPDATE conversations SET updated_at = now() - :ago WHERE id = :id"),
        {"id": conversation.id, "ago": number * 60 * MINUTE},
    )


def _exchange(
    session: Session,
    owner: uuid.UUID,
    conversation: Row,
    catalogue: Catalogue,
    question: str,
    reply: str,
) -> None:
    posted = conversations.post_message(
        session, owner, conversation.id, content=question, catalogue=catalogue, caps=ALL
    )
    job = jobs.claim(session, posted.job.id, owner="demo-data", lease=MINUTE, budget=MINUTE)
    if job is None:  # its model is paused
        raise EpiCodeError("model_unavailable", model=posted.job.model)
    usage = Usage(count_tokens(question), count_tokens(reply))
    said = Said(reply, usage.output_tokens, "stop", usage, first_token_after=MINUTE / 60)
    jobs.complete(session, job.id, job.attempt, said)
