"""Exit codes of programs that did not end by themselves, as of a shell: 128 + signal."""

INTERRUPTED = 130  # SIGINT
BROKEN_PIPE = 141  # SIGPIPE
