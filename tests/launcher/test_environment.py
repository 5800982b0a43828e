import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import environment
from deploy.local.errors import OperatorError
from deploy.local.pip_progress import Progress


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One whose locks name nothing, and whose environment's Python is gone."""
    folder = tmp_path_factory.mktemp("repository")
    for file, _ in environment.RUN_TIME:
        (folder / file).write_text("# nothing\n")
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "lib" / "python3.1" / "site-packages").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "ROOT", folder)
        patch.setattr(environment, "VENV", folder / ".venv")
        patch.setenv("LC_ALL", "C.UTF-8")
        yield folder


def test_a_python_without_ensurepip_is_told_the_one_apt_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "can_make_environments", lambda: False)

    with pytest.raises(OperatorError) as refused:
        environment.ensure_environment()

    version = f"python3.{sys.version_info[1]}"
    assert str(refused.value) == (
        f"This Python cannot make virtual environments: sudo apt install {version}-venv"
    )


@pytest.fixture(scope="module")
def made(repository: Path) -> Path:
    return environment.ensure_environment()


def test_one_whose_python_is_gone_is_made_anew(made: Path) -> None:
    assert subprocess.run([made, "-c", "import pip"]).returncode == 0
    assert environment.site_packages().parts[-2] == f"python3.{sys.version_info[1]}"


def test_a_package_that_cannot_be_had_is_one_sentence_and_the_next_try_goes_on(
    made: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    lock = repository / "requirements.txt"
    lock.write_text("no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n")

    with pytest.raises(OperatorError, match="no-such-package") as refused:
        environment.ensure_environment()
    lock.write_text("# nothing else\n")
    environment.ensure_environment()

    assert "\n" not in str(refused.value)
    assert "install.log" in str(refused.value)
    said = capsys.readouterr().out
    assert "Packages installed" in said
    assert "Making" not in said


def test_nothing_is_done_or_said_while_the_locks_are_the_same(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.ensure_environment()

    assert capsys.readouterr().out == ""


def test_what_the_bench_needs_is_installed_for_the_bench_alone(
    made: Path, repository: Path
) -> None:
    for file, _ in (*environment.DEVELOPMENT, *environment.BENCH):
        (repository / file).write_text("# nothing\n")
    stamp = repository / ".venv" / "installed-bench"

    environment.ensure_environment(development=True)
    was_there = stamp.exists()
    environment.ensure_environment(bench=True)

    assert (was_there, stamp.exists()) == (False, True)


def test_the_progress_counts_packages_and_then_says_that_they_are_put_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    now = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: float(next(now)))
    progress = Progress(3)

    for line in ("Collecting a==1", "  Downloading a", "Collecting b==2"):
        progress.see(line)
    progress.show()
    progress.see("Installing collected packages: a, b")
    progress.show()
    progress.close()

    shown = screen.getvalue().split("\r\033[K")
    assert shown == [
        "",
        "Installing packages: 2 of about 3, 1 s",
        "Installing packages: putting them in place, 2 s",
        "",
    ]


def test_a_proxy_is_not_asked_for_this_machines_own_servers() -> None:
    env = environment.environment_for({"NO_PROXY": "example.org", "PATH": "/bin"}, {"A": "told"})

    assert env["NO_PROXY"] == "example.org,127.0.0.1,localhost"
    assert env["no_proxy"] == "127.0.0.1,localhost"
    assert env["PATH"].endswith(":/bin")
    assert env["A"] == "told"
