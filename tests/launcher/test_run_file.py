import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from common import run_file

Start = Callable[..., "subprocess.Popen[bytes]"]


def test_a_process_is_itself_only_with_its_own_start_time(child: Start) -> None:
    first, second = child("sleep", "60"), child("sleep", "60")

    started = run_file.start_time(first.pid)

    assert run_file.is_alive(first.pid, started)
    assert not run_file.is_alive(first.pid, "another boot:1")
    assert run_file.start_time(second.pid) is not None


def test_a_process_that_has_ended_is_not_alive_even_before_its_parent_has_noticed(
    child: Start,
) -> None:
    process = child("sleep", "60")
    started = run_file.start_time(process.pid)
    assert run_file.is_alive(process.pid, started)

    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert not run_file.is_alive(process.pid, started)


def test_the_start_time_survives_a_program_name_with_brackets_and_spaces(
    child: Start, tmp_path: Path
) -> None:
    odd = tmp_path / "a) b (c"
    odd.symlink_to("/bin/sleep")

    process = child(str(odd), "60")

    assert (run_file.start_time(process.pid) or "").rpartition(":")[2].isdigit()


def test_the_default_folder_is_below_home_unless_epicode_data_says_otherwise() -> None:
    assert run_file.default_folder({}) == Path.home() / ".local/share/epicode"
    assert run_file.default_folder({"EPICODE_DATA": "~/here"}) == Path.home() / "here"


def test_a_stack_runs_while_both_of_its_databases_do(child: Start, tmp_path: Path) -> None:
    postgres, valkey = child("sleep", "60"), child("sleep", "60")
    _write(tmp_path, postgres.pid, valkey.pid)
    running = run_file.read_running(tmp_path)
    assert running is not None
    assert running["postgres"]["url"] == "postgresql://one"

    postgres.kill()
    postgres.wait()

    assert run_file.read_running(tmp_path) is None


def test_the_launcher_answers_for_a_database_that_was_given_by_url(
    child: Start, tmp_path: Path
) -> None:
    launcher = child("sleep", "60")
    _write(tmp_path, None, None, launcher=launcher.pid)
    assert run_file.read_running(tmp_path) is not None

    launcher.kill()
    launcher.wait()

    assert run_file.read_running(tmp_path) is None


def test_a_run_file_that_is_broken_or_not_ours_names_nothing(tmp_path: Path) -> None:
    for content in ("", "{", "[]", '{"postgres": 1}', '{"postgres": {"url": "x", "pid": "1"}}'):
        run_file.run_file(tmp_path).write_text(content)
        assert run_file.read_running(tmp_path) is None


def test_it_needs_nothing_but_the_standard_library() -> None:
    alone = [sys.executable, "-I", "-S", "-c"]
    path = Path(run_file.__file__).parents[1]
    script = f"import sys; sys.path.insert(0, {str(path)!r}); import common.run_file"

    assert subprocess.run([*alone, script]).returncode == 0


def _write(folder: Path, postgres: int | None, redis: int | None, launcher: int = 0) -> None:
    pids = [pid for pid in (postgres, redis, launcher) if pid]
    content = {
        "url": "http://127.0.0.1:1",
        "postgres": {"pid": postgres, "url": "postgresql://one"},
        "redis": {"pid": redis, "url": "redis://two"},
        "launcher": {"pid": launcher},
        "started": {str(pid): run_file.start_time(pid) for pid in pids},
    }
    run_file.run_file(folder).write_text(json.dumps(content))
