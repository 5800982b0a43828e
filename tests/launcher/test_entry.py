"""`./epicode` on systems and Pythons that it must turn away, or help on."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.paths import ROOT

# what `./epicode` sees of the machine, put in place before it is run as a program
PRETENDING = """
import runpy, sys
sys.version_info, sys.platform = eval(sys.argv[1]), sys.argv[2]
sys.argv = sys.argv[3:]
sys.path.insert(0, {root!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def pretend(version: tuple[object, ...], platform: str, path: str, **env: str) -> tuple[int, str]:
    script = PRETENDING.format(root=str(ROOT))
    ran = subprocess.run(
        [sys.executable, "-c", script, repr(version), platform, str(ROOT / "epicode"), "--help"],
        capture_output=True,
        text=True,
        env={"PATH": path, **env},
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("version", [(3, 6, 15, "final", 0), (3, 9, 6, "final", 0), (3, 10, 12)])
def test_an_old_python_is_told_in_one_line_what_to_install(version: tuple[object, ...]) -> None:
    code, said = pretend(version, "darwin", "/nowhere")

    number = ".".join(str(part) for part in version[:3])
    assert code == 1
    assert said == (
        f"EpiCode needs Python 3.11 or newer, this is {number}: brew install python@3.11\n"
    )


def test_it_is_said_in_spanish_on_a_spanish_terminal() -> None:
    _, said = pretend((3, 9, 6), "darwin", "/nowhere", LANG="es_ES.UTF-8")

    assert said == (
        "EpiCode necesita Python 3.11 o posterior y este es 3.9.6: brew install python@3.11\n"
    )


def test_windows_is_sent_to_wsl_or_docker_in_one_line() -> None:
    code, said = pretend((3, 12, 1), "win32", "/nowhere")

    assert code == 1
    assert "WSL" in said
    assert "Docker" in said
    assert said.count("\n") == 1


def test_an_old_python_hands_over_to_a_newer_one_in_the_path_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "python3.12").symlink_to(sys.executable)

    code, said = pretend((3, 10, 12), sys.platform, str(tmp_path))

    assert code == 0
    assert said.startswith("usage: ./epicode")


def test_a_version_managers_shim_without_its_python_is_passed_over(tmp_path: Path) -> None:
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'python3.12: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)

    code, said = pretend((3, 10, 12), "darwin", f"{tmp_path}:/nowhere")

    assert code == 1
    assert said.count("\n") == 1
