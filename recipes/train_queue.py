"""Trains the recipes of a plan one after another, and compares their test accuracies.

    python recipes/train_queue.py plan.toml --directory runs/attention

See `python recipes/train_queue.py --help`, or `cctzoo queue`, which is the same.

Gives: `results.json` and a table.
"""

from cctzoo.commands.queue import main

if __name__ == "__main__":
    main()
