"""The whole stack, really started: one after the other, on one copy of the project."""

import json
import os
import re
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from common import run_file
from deploy.local.ports import free_port
from deploy.local.processes import command_of
from tests.launcher.conftest import Launcher, Project, wait_until


@pytest.fixture(scope="module")
def data(project: Project) -> Path:
    return project.folder / "data"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def started(project: Project, data: Path, port: int) -> Launcher:
    launcher = project.start("up", "--demo", "--port", str(port), "--data", str(data))
    launcher.wait_for("Ctrl-C stops it all")
    return launcher


def run_json(data: Path) -> dict[str, Any]:
    content = run_file.read(data)
    assert content is not None
    return content


def status_of(address: str, **headers: str) -> int:
    try:
        request = urllib.request.Request(address, headers=headers)
        return int(urllib.request.urlopen(request, timeout=5).status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_it_ends_with_the_addresses_and_the_promise_to_try(
    started: Launcher, data: Path, port: int
) -> None:
    worker = run_json(data)["workers"][0]["pid"]
    last = started.output[started.output.rindex("EpiCode   http") :]

    assert f"http://127.0.0.1:{port}\n" in last
    assert "flower_password" in last
    assert f"worker-1  pid {worker}" in last
    assert f"`kill -9 {worker}`" in last
    assert re.search(r"^web      \| ", started.output, re.MULTILINE)
    assert status_of(f"http://127.0.0.1:{port}/health/ready") == 200


def test_run_json_names_every_process_for_its_owner_alone(started: Launcher, data: Path) -> None:
    run = run_json(data)
    shapes = {name: set(run[name]) for name in ("web", "postgres", "redis", "flower")}

    assert shapes == {"web": {"pid"}, "postgres": {"pid", "url"}, "redis": {"pid", "url"},
                      "flower": {"pid", "url"}}  # fmt: skip
    assert [worker["name"] for worker in run["workers"]] == ["worker-1"]
    assert (data / "run.json").stat().st_mode & 0o777 == 0o600
    for pid, words in (
        (run["web"]["pid"], "gunicorn -c gunicorn_conf.py wsgi:app"),
        (run["workers"][0]["pid"], "-m worker -n worker-1@"),
        (run["flower"]["pid"], "-m deploy.flower --address=127.0.0.1"),
        (run["postgres"]["pid"], "postgres -D"),
        (run["redis"]["pid"], "valkey-server"),
        (run["launcher"]["pid"], "epicode up"),
    ):
        assert words in command_of(pid)
        assert run_file.names_a_living(run, pid)
    psycopg2.connect(run["postgres"]["url"]).close()
    assert redis.Redis.from_url(run["redis"]["url"]).ping()


def test_flower_asks_for_its_password_which_is_on_no_command_line(
    started: Launcher, data: Path
) -> None:
    flower = run_json(data)["flower"]
    credentials, _, address = flower["url"].removeprefix("http://").rpartition("@")
    password = credentials.partition(":")[2]

    assert status_of(f"http://{address}/") == 401
    assert status_of(f"http://{address}/", **basic(credentials)) == 200
    assert password not in command_of(flower["pid"])
    assert (data / "flower_password").read_text().strip() == password


def basic(credentials: str) -> dict[str, str]:
    from base64 import b64encode

    return {"Authorization": "Basic " + b64encode(credentials.encode()).decode()}


def test_a_second_up_prints_the_address_and_is_done(
    started: Launcher, project: Project, data: Path, port: int
) -> None:
    before = (data / "run.json").read_text()

    ran = project.run("up", "--data", str(data), "--port", str(free_port()))

    assert ran.returncode == 0
    assert ran.stdout.strip().endswith(f"http://127.0.0.1:{port}")
    assert (data / "run.json").read_text() == before


def test_run_gives_a_command_the_addresses_and_takes_its_exit_code(
    started: Launcher, project: Project, data: Path
) -> None:
    script = (
        "import json, os, shutil, sys\n"
        "print(json.dumps([dict(os.environ), shutil.which('celery')]))\nsys.exit(7)"
    )

    ran = project.run("run", "--data", str(data), "--", "python", "-c", script)

    env, celery = json.loads(ran.stdout)
    run = run_json(data)
    assert ran.returncode == 7
    assert env["DATABASE_URL"] == run["postgres"]["url"]
    assert env["REDIS_URL"] == run["redis"]["url"]
    assert env["OPENAI_BASE_URL"] == run["demo"]["url"]
    assert env["EPICODE_DATA"] == str(data)
    assert env["FLASK_ENV"] == "production"
    assert celery == str(project.folder / ".venv" / "bin" / "celery")


def test_a_command_that_does_not_exist_is_one_sentence(
    started: Launcher, project: Project, data: Path
) -> None:
    ran = project.run("run", "--data", str(data), "--", "no-such-command")

    assert ran.returncode == 1
    assert ran.stderr == "no-such-command: command not found\n"


@pytest.mark.parametrize("name", ["worker", "web", "postgres", "redis"])
def test_what_is_killed_is_started_again_and_run_json_says_so(
    name: str, started: Launcher, data: Path, port: int
) -> None:
    def pid() -> int:
        run = run_json(data)
        return int((run["workers"][0] if name == "worker" else run[name])["pid"])

    url = run_json(data)["postgres"]["url"], run_json(data)["redis"]["url"]
    killed = pid()

    os.kill(killed, signal.SIGKILL)

    shown = {"worker": "worker-1", "redis": "valkey"}.get(name, name)
    started.wait_for(f"{shown} (pid {killed}) ended with signal 9; starting it again in 0.5 s")
    wait_until(lambda: pid() != killed, 20, lambda: started.output)
    assert (run_json(data)["postgres"]["url"], run_json(data)["redis"]["url"]) == url
    ready = f"http://127.0.0.1:{port}/health/ready"
    wait_until(lambda: status_of(ready) == 200, 30, lambda: started.output)


def test_after_kill_9_of_the_launcher_the_next_up_stops_the_leftovers_and_starts(
    started: Launcher, project: Project, data: Path, port: int
) -> None:
    before = run_json(data)
    pids = [before[name]["pid"] for name in ("web", "postgres", "redis", "flower", "demo")]
    pids.append(before["workers"][0]["pid"])
    started.process.kill()
    started.process.wait()
    assert all(run_file.names_a_living(before, pid) for pid in pids)

    launcher = project.start("up", "--port", str(port), "--data", str(data))
    launcher.wait_for("Ctrl-C stops it all", 60)

    assert "Stopping what an earlier start left behind: worker-1, web" in launcher.output
    assert not any(run_file.names_a_living(before, pid) for pid in pids)
    after = run_json(data)
    assert after["postgres"]["url"] == before["postgres"]["url"]
    assert after["redis"]["url"] == before["redis"]["url"]
    assert "demo" not in after
    assert "No model API" in launcher.output
    seconds = re.search(r"EpiCode is ready: \S+ \((\S+) s\)", launcher.output)
    assert seconds

    assert launcher.stop(signal.SIGINT) == 0
    assert not (data / "run.json").exists()
    assert not any(run_file.names_a_living(after, int(pid)) for pid in after["started"])
    assert launcher.output.rstrip().endswith("Stopped")


def test_with_databases_given_by_url_it_starts_neither(
    project: Project, tmp_path: Path, data: Path
) -> None:
    from tests.databases import Databases

    with Databases() as databases:
        launcher = project.start(
            "up", "--port", str(free_port()), "--data", str(tmp_path), "--workers", "2",
            DATABASE_URL=databases.postgres.url, REDIS_URL=databases.valkey.url,
        )  # fmt: skip
        launcher.wait_for("EpiCode is ready")
        run = run_json(tmp_path)

        assert run["postgres"] == {"pid": None, "url": databases.postgres.url}
        assert run["redis"] == {"pid": None, "url": databases.valkey.url}
        assert [worker["name"] for worker in run["workers"]] == ["worker-1", "worker-2"]
        assert run_file.read_running(tmp_path) is not None
        assert launcher.stop() == 0
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "valkey").exists()


def test_a_taken_port_is_one_sentence_before_anything_starts(
    project: Project, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = project.run("up", "--port", str(port), "--data", str(tmp_path))

    assert ran.returncode == 1
    assert ran.stdout == ""
    assert re.fullmatch(
        rf"Port {port} is taken by another program: choose one with --port, say --port \d+\n",
        ran.stderr,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        (["--host", "0.0.0.0"], {}, "EPICODE_AUTH=accounts"),
        (["--host", "example.org"], {}, "EPICODE_AUTH=accounts"),
        ([], {"EPICODE_HOST": "192.168.1.2"}, "EPICODE_AUTH=accounts"),
        (["--port", "0"], {}, "--port takes a number"),
        (["--port", "http"], {}, "--port takes a number"),
        ([], {"EPICODE_PORT": "70000"}, "--port takes a number"),
        (["--workers", "0"], {}, "--workers takes a number"),
        (["--data", "/dev/null/data"], {}, "--data"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    arguments: list[str], env: dict[str, str], words: str, project: Project, tmp_path: Path
) -> None:
    ran = project.run("up", "--data", str(tmp_path), *arguments, **env)

    assert ran.returncode == 1
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_data_of_a_newer_postgresql_stop_the_start_with_one_sentence(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("99\n")

    ran = project.run("up", "--port", str(free_port()), "--data", str(tmp_path))

    assert ran.returncode == 1
    assert "PostgreSQL 99" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
