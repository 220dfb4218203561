"""What a page holds, read back in Python."""

import base64
import gzip
import json
import re

import numpy as np


def read_page(path):
    """The data of a page, with NumPy arrays."""
    text = re.search(r'id="data">([^<]*)</script>', path.read_text("utf-8"))[1]
    content = gzip.decompress(base64.b64decode(text))
    end = 4 + int.from_bytes(content[:4], "little")

    def arrays(value):
        if "$array" not in value:
            return value
        dtype, offset, shape = value["$array"]
        count = int(np.prod(shape))
        return np.frombuffer(content, dtype, count, end + offset).reshape(shape)

    return json.loads(content[4:end], object_hook=arrays)
