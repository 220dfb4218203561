"""Random tests with a seed. Each module is also a command: `python -m tests.fuzz.NAME --help`."""
