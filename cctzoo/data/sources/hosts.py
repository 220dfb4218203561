"""Which hosts answer within a few seconds."""

import threading
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

import requests  # TFDS downloads with it: the same proxies and certificates apply


def silent_hosts(urls: Iterable[str], seconds: float) -> dict[str, str]:
    """Asks each host for the headers of one of its URLs.

    Returns:
        {host: reason} of the hosts that do not answer in time. A refusal is an answer, except
        where a proxy says that the host is unreachable.
    """
    first = {urlsplit(url).netloc: url for url in urls if url.startswith("http")}
    silent = dict.fromkeys(first, f"no answer within {seconds} s")

    def ask(host, url):
        reason = _reason(url, seconds / 2)
        if reason is None:
            del silent[host]
        else:
            silent[host] = reason

    # Daemons: a name lookup ignores time limits, and must not delay the exit either.
    threads = [threading.Thread(target=ask, args=pair, daemon=True) for pair in first.items()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return dict(silent)


def _reason(url, seconds):
    """Why there is no answer, or None if there is one."""
    try:
        with requests.head(url, timeout=seconds) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        return type(error).__name__
    return f"status {status}" if status in (502, 503, 504) else None  # answers of a proxy
