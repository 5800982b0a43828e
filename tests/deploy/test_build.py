"""The real Dockerfile, built by buildah on a base made by debootstrap: ten minutes, so it is run by
`./epicode test --faults -k real_dockerfile` alone, as root and with the internet."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scale import Scale

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.11-slim-bookworm"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# What we add to the base; the packages of requirements.txt are nearly all of it.
MOST_BYTES = 200_000_000
SETTINGS = {
    "SECRET_KEY": "0123456789abcdef" * 2,
    "DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
Buildah = Callable[..., str]


@pytest.fixture
def buildah(scale: Scale, tmp_path: Path) -> Iterator[Buildah]:
    if not scale.is_long:
        pytest.skip("only in the long form: it takes ten minutes")
    if os.geteuid() != 0 or not shutil.which("buildah") or not shutil.which("debootstrap"):
        pytest.skip("needs root, buildah and debootstrap")
    environment = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    store = ["--root", str(tmp_path / "store"), "--runroot", str(tmp_path / "run")]

    def run(*words: str) -> str:
        done = subprocess.run(
            ["buildah", *store, *words], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    yield run
    subprocess.run(["buildah", *store, "rm", "--all"], env=environment, capture_output=True)


def test_the_real_dockerfile_builds_and_its_commands_start(
    buildah: Buildah, tmp_path: Path
) -> None:
    _make_base(buildah, tmp_path / "base")

    buildah("bud", "--pull-never", "-q", "-f", "deploy/docker/Dockerfile", "-t", "epicode", ".")

    images = json.loads(buildah("images", "--json"))
    sizes = {each["names"][0]: _bytes(each["size"]) for each in images if each["names"]}
    assert sizes["localhost/epicode:latest"] - sizes[BASE] < MOST_BYTES, sizes
    container = buildah("from", "--pull-never", "localhost/epicode")
    told = [word for name, value in SETTINGS.items() for word in ("-e", f"{name}={value}")]

    def inside(script: str) -> str:
        return buildah("run", *told, container, "--", "sh", "-ec", script)

    assert inside("id -u; id -g").split() == ["10001", "10001"]
    inside("gunicorn --check-config -c gunicorn_conf.py wsgi:app")
    inside("celery -A worker.app worker --help; celery -A common.queue flower --help")
    assert "backup" in inside("python manage.py --help")
    assert inside("touch /app/x 2>/dev/null && echo written || echo refused") == "refused"
    assert inside("ls -A /app | grep -E '^(\\.env|\\.git|tests|deploy)$' || echo none") == "none"
    assert inside("python -m pip --version 2>/dev/null || echo none") == "none"


def _make_base(buildah: Buildah, folder: Path) -> None:
    """A Debian with Python, by the name that the Dockerfile asks for."""
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder)],
        check=True,
        capture_output=True,
    )
    shutil.copy(CERTIFICATES, folder / "etc/ssl/certs/ca-certificates.crt")
    (folder / "usr/bin/python").symlink_to("python3")
    container = buildah("from", "scratch")
    buildah("add", "-q", container, str(folder), "/")
    buildah("commit", "-q", container, BASE)


def _bytes(size: str | int) -> int:
    """buildah says 369 MB."""
    if isinstance(size, int):
        return size
    number, unit = size.split()
    return round(float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit])
