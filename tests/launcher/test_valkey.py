import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.processes import command_of
from deploy.local.valkey import Valkey
from tests.databases import Server


@pytest.fixture
def server(tmp_path: Path, site_packages: Path) -> Iterator[Server]:
    running = Server(Valkey(tmp_path, site_packages), tmp_path / "log")
    running.start()
    yield running
    if running.is_running:
        running.stop()


def test_it_needs_its_password_and_serves_this_machine_alone(server: Server) -> None:
    assert redis.Redis.from_url(server.url).config_get("bind") == {"bind": "127.0.0.1"}

    port = int(server.url.rpartition(":")[2].removesuffix("/0"))
    with pytest.raises(redis.AuthenticationError):
        redis.Redis("127.0.0.1", port, retry=Retry(NoBackoff(), 0)).ping()


def test_it_refuses_rather_than_forgets_and_writes_every_second(server: Server) -> None:
    client = redis.Redis.from_url(server.url, decode_responses=True)

    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("append*") | {"appendonly": "yes", "appendfsync": "everysec"} == (
        client.config_get("append*")
    )
    assert int(client.config_get("maxmemory")["maxmemory"]) > 0


def test_the_password_is_on_no_command_line_and_in_no_file_of_others(
    server: Server, tmp_path: Path
) -> None:
    password = (tmp_path / "redis_password").read_text().strip()

    assert "valkey" in command_of(server.pid)
    assert password not in command_of(server.pid)
    assert (tmp_path / "redis_password").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "valkey" / "valkey.conf").stat().st_mode & 0o777 == 0o600


def test_after_kill_9_the_next_start_has_the_same_address_and_what_was_written(
    server: Server, tmp_path: Path, site_packages: Path
) -> None:
    client = redis.Redis.from_url(server.url)
    client.set("kept", "yes")
    client.execute_command("WAITAOF", 1, 0, 3000)
    server.kill()

    again = Server(Valkey(tmp_path, site_packages), tmp_path / "log")
    again.start()
    try:
        assert again.url == server.url
        assert redis.Redis.from_url(again.url).get("kept") == b"yes"
    finally:
        again.stop()


def test_a_port_that_somebody_else_took_meanwhile_is_given_up(
    server: Server, tmp_path: Path, site_packages: Path
) -> None:
    old = server.url
    server.stop()
    port = int(old.rpartition(":")[2].removesuffix("/0"))

    with socket.create_server(("127.0.0.1", port)):
        again = Server(Valkey(tmp_path, site_packages), tmp_path / "log")
        again.start()
    try:
        assert again.url != old
        assert redis.Redis.from_url(again.url).ping()
    finally:
        again.stop()
