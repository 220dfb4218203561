"""A tab of a browser with the page of `to_web`."""

from tests.browser import Tab, require


class Visit(Tab):
    """A tab with the page: what a visitor chooses, and what the page answers."""

    def __init__(self, browser, url, **options):
        super().__init__(browser, url, "#content:not([hidden])", permissions=["camera"], **options)

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
