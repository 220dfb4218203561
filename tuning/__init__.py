"""Search for architectures that are accurate and fast on the device."""

from cctzoo.optional_packages import require

require("keras_tuner", extra="tune", purpose="A search")
require("matplotlib", "rich", "sklearn", extra="recipes", purpose="The report of a search")
