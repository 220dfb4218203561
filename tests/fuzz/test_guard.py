"""The guard sees what the readers of tampered files must not do."""

import os
import subprocess
import sys

import pytest

# The hook of a guard stays in its process for ever.
SCRIPT = """
import os, pickle, subprocess, sys, time
from pathlib import Path
from tests.fuzz import guard
from tests.fuzz.cases import Fault

folder = Path(sys.argv[1])
guard.SECONDS = 2
watching = guard.Guard(folder)
for code in {codes!r}:
    try:
        with watching.watch():
            exec(compile(code, __file__, "exec"))
        print("nothing")
    except (Fault, TimeoutError) as error:
        print(str(error).splitlines()[0])
"""
CODES = {
    "(folder / 'inside').write_text('a')": "nothing",
    "Path(__file__).read_bytes()": "nothing",
    "os.system('true')": "os.system",
    "subprocess.run(['true'])": "subprocess.Popen",
    "open(folder.parent / 'outside', 'w')": "open",
    "os.mkdir(folder.parent / 'new')": "os.mkdir",
    "exec('1')": "exec of <string>",
    "pickle.loads(pickle.dumps(Fault))": "pickle.find_class",
    "x = b'1' * (600 * 2**20)": "600 MB",
    "time.sleep(3)": "not finished",
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.one_backend("torch")
def test_what_the_guard_sees(tmp_path):
    script, folder = tmp_path / "script.py", tmp_path / "folder"
    folder.mkdir()
    script.write_text(SCRIPT.format(codes=list(CODES)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(script), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(CODES), done.stderr[-2000:]
    for line, (code, seen) in zip(lines, CODES.items(), strict=True):
        assert seen in line, code
