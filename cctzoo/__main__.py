"""`python -m cctzoo` is the command `cctzoo`."""

from cctzoo.commands.main import program

if __name__ == "__main__":
    program()
