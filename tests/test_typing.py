"""The annotations of the public API, checked by pyright as a user's editor would do it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyright")
pytestmark = pytest.mark.one_backend("jax")  # one environment is enough to read the annotations

SCRIPT = Path(__file__).with_name("typing_user_script.py")


def pyright(path):
    """Runs pyright on a file: the messages with their lines, and the whole answer."""
    options = ["--outputjson", "--pythonpath", sys.executable]
    command = [sys.executable, "-m", "pyright", *options, str(path)]
    child = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPT.parents[1])
    answer = json.loads(child.stdout)
    assert answer["summary"]["filesAnalyzed"] == 1
    return [
        f"{item['range']['start']['line'] + 1}: {item['message']}"
        for item in answer["generalDiagnostics"]
    ]


def test_user_script_has_no_type_error():
    assert not pyright(SCRIPT)


def test_wrong_code_has_type_errors(tmp_path):
    """A misspelled keyword, a value of a wrong type, an unknown model and a wrong result."""
    path = tmp_path / "wrong.py"
    path.write_text(
        "from cctzoo import models\n"
        "models.cct_lsmha(hedas=64)\n"
        "models.cct_lsmha(depth='7')\n"
        "models.cct_7_3x1_33()\n"
        "words: list[str] = models.multiply_accumulates(models.variant_config('cct_lsmha'))\n"
    )
    messages = pyright(path)
    assert [message.split(":")[0] for message in messages] == ["2", "3", "4", "5"], messages
    assert '"hedas"' in messages[0]


def test_editor_knows_the_keywords(tmp_path):
    """Type checkers list the keywords that a misspelled keyword could have been."""
    path = tmp_path / "reveal.py"
    path.write_text("from cctzoo import models\nreveal_type(models.cct_lsmha(heads=(25,) * 7))\n")
    (revealed,) = pyright(path)
    assert revealed.endswith('is "CCT"')
