"""`.env.example` has every setting, with the default that the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from common.config import SEED_DATABASE_URL, SEED_REDIS_URL, BaseConfig

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
# defaults that depend on the machine, are made, or must not be copied
OTHERWISE = {
    "SECRET_KEY": "",
    "DATABASE_URL": SEED_DATABASE_URL,
    "REDIS_URL": SEED_REDIS_URL,
    "EPICODE_DATA": "~/.local/share/epicode",
}


@pytest.mark.parametrize("name", sorted(BaseConfig.model_fields))
def test_every_setting_is_there_with_its_default(name: str) -> None:
    default = BaseConfig.model_fields[name].default

    assert name in SHOWN
    if name in OTHERWISE:
        assert SHOWN[name] == OTHERWISE[name]
    elif default in (None, "", PydanticUndefined):
        assert SHOWN[name] == ""
    elif isinstance(default, bool):
        assert SHOWN[name] == str(int(default))
    else:
        assert SHOWN[name] == str(default)


def test_every_variable_of_the_compose_file_is_there() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"\$\{([A-Z_]+)[:}]", compose)) <= set(SHOWN)


def test_as_it_is_it_sets_nothing() -> None:
    active = re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)

    assert active == [("OPENAI_API_KEY", ""), ("SECRET_KEY", "")]
