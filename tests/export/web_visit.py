"""A tab of a browser with the page, and everything that it asked for and reported."""

import sys
import time


class Visit:
    """A tab with the page, and everything that it asked for and reported."""

    def __init__(self, browser, url, **options):
        self.url, self.requests, self.problems = url, [], []
        context = browser.new_context(permissions=["camera"], **options)
        self.page = context.new_page()
        self.page.on("request", lambda request: self.note_request(request.url))
        self.page.on("console", self.note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        started = time.perf_counter()
        self.page.goto(url)
        self.page.wait_for_selector("#content:not([hidden])", timeout=120_000)
        self.seconds = time.perf_counter() - started

    def note(self, message):
        if message.type == "error":
            self.problems.append(message.text)

    def note_request(self, url):
        self.requests.append(url)
        if not url.startswith((self.url, "blob:")):
            self.problems.append(f"a request to {url}")

    def check_quiet(self):
        require(not self.problems, f"the page reported {self.problems}")

    def answers(self, times=("Model",)):
        """{class: probability}, once the timing of the new answer has appeared."""
        for name in times:
            self.page.wait_for_selector(f"#timing:has-text({name!r})", timeout=60_000)
        more = self.page.locator("#more")
        if more.is_visible() and more.get_attribute("aria-expanded") == "false":
            more.click()
        rows = "[...document.querySelectorAll('#classes li')]"
        row = "li => [li.querySelector('.name').textContent, Number(li.dataset.probability)]"
        return dict(self.page.evaluate(f"{rows}.map({row})"))

    def clear(self):
        self.page.evaluate("document.getElementById('timing').textContent = ''")

    def choose(self, path):
        self.clear()
        self.page.set_input_files("#files", str(path))
        problem = self.page.inner_text("#problem")
        require(not problem, f"{path.name}: {problem}")
        return self.answers()


def require(holds, message):
    if not holds:
        sys.exit(f"web_page: {message}")
