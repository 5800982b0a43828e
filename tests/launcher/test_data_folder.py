import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from common import run_file
from deploy.local import data_folder
from deploy.local.data_folder import DataFolder, stop_leftovers
from deploy.local.errors import OperatorError
from deploy.local.paths import ROOT
from tests.launcher.conftest import wait_until

Start = Callable[..., "subprocess.Popen[bytes]"]


def test_only_one_holds_a_folder_and_a_child_does_not_keep_it(child: Start, tmp_path: Path) -> None:
    holder = f"""
import subprocess, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from deploy.local.data_folder import DataFolder
folder = DataFolder(Path({str(tmp_path)!r}))
assert folder.take()
grandchild = subprocess.Popen(["sleep", "60"], start_new_session=True)
print(grandchild.pid, flush=True)
time.sleep(60)
"""
    launcher = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE)
    assert launcher.stdout is not None
    grandchild = int(launcher.stdout.readline())
    try:
        assert not DataFolder(tmp_path).take()

        launcher.kill()
        launcher.wait()

        assert run_file.start_time(grandchild) is not None
        assert DataFolder(tmp_path).take()
    finally:
        os.kill(grandchild, signal.SIGKILL)
        launcher.kill()
        launcher.stdout.close()


def test_leftovers_are_asked_once_workers_first_and_databases_last(
    child: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import signal, sys, time\n"
        "def leave(number, frame):\n"
        "    open('stopped', 'a').write(sys.argv[1] + '\\n')\n"
        # long enough for a second signal, which would be written down too
        "    time.sleep(0.3); sys.exit()\n"
        "signal.signal(signal.SIGTERM, leave); signal.signal(signal.SIGINT, leave)\n"
        "open(sys.argv[1], 'w')\ntime.sleep(60)\n"
    )
    monkeypatch.chdir(tmp_path)
    names = ("web", "worker-1", "postgres", "redis")
    pids = {name: child(sys.executable, "-c", script, name).pid for name in names}
    for name in names:
        _wait_for(tmp_path / name)
    _write(tmp_path, pids)
    folder = DataFolder(tmp_path)

    stop_leftovers(folder.leftovers())

    assert (tmp_path / "stopped").read_text().split() == ["worker-1", "web", "redis", "postgres"]
    assert folder.leftovers() == []


def test_a_number_that_now_belongs_to_another_program_is_left_alone(
    child: Start, tmp_path: Path
) -> None:
    stranger = child("sleep", "60")
    _write(tmp_path, {"web": stranger.pid}, started="long ago")

    assert DataFolder(tmp_path).leftovers() == []
    stop_leftovers(DataFolder(tmp_path).leftovers())

    assert stranger.poll() is None


def test_a_leftover_that_will_not_stop_is_killed(
    child: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_folder, "LEFTOVERS", (("web", signal.SIGTERM, 0.3),))
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(tmp_path / 'up')!r}, 'w'); time.sleep(60)"
    )
    stubborn = child(sys.executable, "-c", script)
    _wait_for(tmp_path / "up")
    _write(tmp_path, {"web": stubborn.pid})

    stop_leftovers(DataFolder(tmp_path).leftovers())

    assert stubborn.wait(5) == -signal.SIGKILL


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OperatorError, match="--data"):
        DataFolder(tmp_path / "file" / "data")


def test_the_run_file_is_private_and_replaced_in_one_step(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)

    folder.write_run_file({"url": "one"})
    folder.write_run_file({"url": "two"})

    assert run_file.read(tmp_path) == {"url": "two"}
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "run.json"]


def _write(folder: Path, pids: dict[str, int], started: str | None = None) -> None:
    content: dict[str, object] = {
        name: {"pid": pid} for name, pid in pids.items() if not name.startswith("worker")
    }
    content["workers"] = [
        {"name": name, "pid": pid} for name, pid in pids.items() if name.startswith("worker")
    ]
    content["started"] = {str(pid): started or run_file.start_time(pid) for pid in pids.values()}
    (folder / "run.json").write_text(json.dumps(content))


def _wait_for(path: Path) -> None:
    wait_until(path.exists, 10)
