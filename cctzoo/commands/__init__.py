"""The commands of `cctzoo`, one per module; the scripts in recipes/ run them, too."""
