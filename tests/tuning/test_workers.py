"""Chief and workers on one machine; some of them are killed."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.tuning import made_up
from tuning.records import read_records
from tuning.workers import run_with_workers

SCRIPT = Path(__file__).with_name("made_up_search.py")
pytestmark = pytest.mark.one_backend("jax")  # no model is trained


def test_a_killed_worker_gets_its_trial_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SCRIPT.parents[2]))
    plan = made_up.make_plan(tmp_path, trials=7)
    plan.save(tmp_path)
    killed = []
    thread = threading.Thread(target=kill_a_worker, args=(tmp_path, killed))
    thread.start()
    run_with_workers(tmp_path, 2, script=SCRIPT)
    thread.join()
    records = read_records(tmp_path)
    assert [record.status for record in records] == ["trained"] * 7
    (restarted,) = (record for record in records if record.starts == 2)
    assert restarted.trial == killed[0].trial
    assert {record.worker for record in records} == {"worker0", "worker1"}
    assert "worker1 ended with code -9" in (tmp_path / "search.log").read_text()


def kill_a_worker(directory, killed):
    """Sends SIGKILL to worker1 during its first trial."""
    while not killed:
        time.sleep(0.05)
        killed += [
            record
            for record in read_records(directory)
            if record.worker == "worker1" and record.status == "running"
        ]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        ours = str(directory).encode() in (process / "cmdline").read_bytes()
        if ours and b"KERASTUNER_TUNER_ID=worker1" in environment:
            os.kill(int(process.name), signal.SIGKILL)


def test_a_chief_that_dies_ends_the_search(tmp_path):
    script = tmp_path / "dies.py"
    script.write_text(
        "import os, sys, time\n"
        "if os.environ['KERASTUNER_TUNER_ID'] == 'chief': sys.exit(3)\n"
        "time.sleep(60)\n"
    )
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="the chief ended with code 3"):
        run_with_workers(tmp_path, 2, script=script)
    assert time.monotonic() - start < 30


def test_a_worker_that_always_dies_ends_the_search(tmp_path):
    script = tmp_path / "dies.py"
    script.write_text(
        "import os, sys, time\n"
        "if os.environ['KERASTUNER_TUNER_ID'] == 'worker1': sys.exit(4)\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(RuntimeError, match="worker1 ended with code 4 4 times"):
        run_with_workers(tmp_path, 2, script=script)


@pytest.mark.parametrize("last", ["sys.exit(4)", ""])
def test_workers_of_optuna_go_on_without_one_that_always_dies(last, tmp_path):
    script = tmp_path / "dies.py"
    script.write_text(
        "import os, sys, time\n"
        "if os.environ['CCTZOO_WORKER'] == 'worker1': sys.exit(3)\n"
        "log = os.path.join(sys.argv[sys.argv.index('--resume') + 1], 'search.log')\n"
        "while not (os.path.exists(log) and 'the others go on' in open(log).read()):\n"
        "    time.sleep(0.05)\n"
        f"{last}\n"
    )
    if last:
        with pytest.raises(RuntimeError, match="worker0 ended with code 4 4 times"):
            run_with_workers(tmp_path, 2, script=script, chief=False)
    else:
        run_with_workers(tmp_path, 2, script=script, chief=False)
    log = (tmp_path / "search.log").read_text()
    assert "worker1 ended with code 3 4 times; the others go on" in log
