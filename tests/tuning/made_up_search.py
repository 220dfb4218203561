"""In place of search.py: chief or worker of a made-up search, each training a second."""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from cctzoo import training  # noqa: E402
from tests.tuning import made_up  # noqa: E402
from tuning.latency import EdgeLatency  # noqa: E402
from tuning.plan import Search  # noqa: E402
from tuning.tuner import SearchTuner  # noqa: E402


def train(recipe, directory):
    time.sleep(1)
    return made_up.train(recipe, directory)


if __name__ == "__main__":
    directory = Path(sys.argv[sys.argv.index("--resume") + 1])
    EdgeLatency.measure = made_up.latency
    training.train = train
    SearchTuner(Search.load(directory), directory).search()
