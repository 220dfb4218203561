"""`python -m cctzoo` is the command `cctzoo`."""

from cctzoo.commands.main import main

if __name__ == "__main__":
    main()
