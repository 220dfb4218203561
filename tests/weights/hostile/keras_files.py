"""`.keras` files that claim more than they hold, or whose config is not that of a model."""

import copy
import io
import json
import zipfile

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "eval"}}
PICKLED = {"class_name": "__lambda__", "config": {"value": ["4wEAAA==", None, None]}}


def entries(sound):
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_entries(sound, compression=zipfile.ZIP_STORED, **changes):
    """The sound file with other entries; None removes an entry."""
    names = {"config": CONFIG, "weights": WEIGHTS}
    changes = {names.get(name, name): data for name, data in changes.items()}
    found = {**entries(sound), **changes}
    return packed({name: data for name, data in found.items() if data is not None}, compression)


def with_config(sound, change):
    """The sound file; `change` alters its parsed config."""
    config = json.loads(entries(sound)[CONFIG])
    return with_entries(sound, config=json.dumps(change(config) or config).encode())


def with_fields(sound, **fields):
    return with_config(sound, lambda saved: saved["config"]["config"].update(fields))


FIELDS = {
    "depth 10**9": ({"depth": 10**9}, "`depth` must be at most"),
    "depth 3000": ({"depth": 3000}, "`depth` must be at most"),
    "depth 900": ({"depth": 900}, "does not match the weights"),
    "10**9 convolutions": ({"conv_layers": 10**9}, "`conv_layers` must be at most"),
    "2 * 10**6 convolutions": ({"conv_layers": 2 * 10**6}, "`conv_layers` must be at most"),
    "a table of sines": (
        {"input_shape": [10_000, 10_000, 3], "positional_embedding": "sine"},
        "positions",
    ),
    "10**10 classes": ({"classes": 10**10}, "Received: "),
    "a width of 10**6": ({"embed_dim": 10**6}, "Received: "),
    "10**10 pixels": ({"input_shape": [10**5, 10**5, 3]}, "Received: "),
    "a kernel of 10**300": ({"kernel_size": 10**300}, "kernel_size"),
    "10**4000 heads": ({"heads": 10**4000}, "heads"),
    "a head of 10**12": ({"head_dim": 10**12}, "Received: "),
    "mlp_ratio 1e308": ({"mlp_ratio": 1e308}, "Received: "),
    "dropout 10**400": ({"dropout": 10**400}, "Received: "),
    "depth of a text": ({"depth": "2"}, "Received: "),
    "depth of a list": ({"depth": [2]}, "Received: "),
    "no depth": ({"depth": None}, "Received: "),
    "an unknown field": ({"function": "eval"}, "has no keyword `function`"),
    "a Lambda as heads": ({"heads": LAMBDA}, "heads"),
    "a view of another kind": ({"view": {"a": 1}}, "Received: "),
    "a prefix of 10**6": ({"conv_prefix": 10**6}, "conv_prefix"),
    "a family of a list": ({"family": ["cct"]}, "family"),
}
NAMES = {
    "NUL": "a\0b",
    "an escape sequence": "\x1b]0;title\x07",
    "10**6 letters": "a" * 10**6,
    "a path": "../../etc/passwd",
    "a number": 7,
    "null": None,
    "nothing": "",
    "text from right to left": "a\u202egnp.exe",
}
POLICIES = {
    "a Lambda": LAMBDA,
    "a pickled function": PICKLED,
    "a registered class": {
        "module": "m",
        "class_name": "Evil",
        "config": {},
        "registered_name": "hostile>Evil",
    },
    "a policy that is registered as another class": {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float32"},
        "registered_name": "hostile>Evil",
    },
    "a loader": {"module": "keras.saving", "class_name": "load_model", "config": {}},
    "a policy in a policy": {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": PICKLED},
    },
    "a slow expression": {
        "module": "keras.dtype_policies",
        "class_name": "DTypePolicyMap",
        "config": {"default_policy": None, "policy_map": {"(b|bl|l)+(.*.*)*x": None}},
    },
    "a map of maps": {
        "module": "keras.dtype_policies",
        "class_name": "DTypePolicyMap",
        "config": {"default_policy": LAMBDA, "policy_map": {}},
    },
    "a policy of no kind": {"module": "keras", "class_name": ["DTypePolicy"], "config": {}},
    "a list": ["float32"],
}
TOPS = {
    "a Lambda layer": LAMBDA,
    "a pickled function as model": PICKLED,
    "os.system": {"module": "os", "class_name": "system", "config": "true"},
    "a function": {"class_name": "function", "config": "CCT"},
    "a tensor": {"class_name": "__tensor__", "config": {"value": 1, "dtype": "float32"}},
    "a typespec": {"class_name": "__typespec__", "spec_name": "system"},
    "a class of a list": {"class_name": ["CCT"]},
    "a registered class as model": {"class_name": "Evil", "registered_name": "hostile>Evil"},
    "a registered class by its name": {"registered_name": "hostile>Evil"},
    "a model of Keras": {
        "module": "keras",
        "class_name": "Sequential",
        "registered_name": None,
        "config": {"layers": [LAMBDA]},
    },
}


def keras_files(sound):
    """Yields (fault, bytes, suffix, part of the message); `sound` is the file of a `CCT`."""
    for name, (fields, fault) in FIELDS.items():
        yield f"keras, {name}", with_fields(sound, **fields), ".keras", fault
    for name, value in NAMES.items():
        changed = with_config(sound, lambda saved, value=value: saved["config"].update(name=value))
        yield f"keras, named {name}", changed, ".keras", "config.json: The `name` of a model"
    for name, value in POLICIES.items():
        changed = with_config(sound, lambda saved, value=value: saved["config"].update(dtype=value))
        fault = "policy_map" if "slow" in name else "`dtype` must be a dtype policy"
        yield f"keras, a policy: {name}", changed, ".keras", fault
    for name, value in TOPS.items():
        changed = with_config(sound, lambda saved, value=value: {**saved, **value})
        yield f"keras, {name}", changed, ".keras", "config.json: the class must be one of"
    yield from _configs(sound)
    yield from _archives(sound)


def _configs(sound):
    texts = {
        "a list": (b"[]", "config.json: it must be a JSON object"),
        "deep": (b'{"a":' * 10**5, "nested so deeply"),
        "no JSON": (b"import os", "config.json: "),
        "empty": (b"", "config.json: "),
        "no UTF-8": (b'{"\xff": 1}', "config.json: "),
        "an empty object": (b"{}", "config.json: it has no 'registered_name'"),
        "a number of 10**5 digits": (b'{"a":' + b"9" * 10**5 + b"}", "config.json: "),
        "2**21 lists": (b"[" + b"[]," * 2**21 + b"[]]", "objects and lists"),
    }
    for name, (text, fault) in texts.items():
        yield f"keras, config: {name}", with_entries(sound, config=text), ".keras", fault
    changes = {
        "no config": lambda saved: saved["config"].pop("config"),
        "an unknown argument": lambda saved: saved["config"].update(inputs=[]),
        "trainable of a text": lambda saved: saved["config"].update(trainable="no"),
        "fields of a list": lambda saved: saved["config"].update(config=[]),
        "arguments of a list": lambda saved: saved.update(config=[1]),
        "no arguments": lambda saved: saved.pop("config"),
    }
    for name, change in changes.items():

        def changed(saved, change=change):
            change(saved)

        yield f"keras, {name}", with_config(sound, changed), ".keras", "config.json: "


def _archives(sound):
    blanks = b" " * 2**25
    names = {
        "a text": b"<html>",
        "empty": b"",
        "cut": sound[: len(sound) // 2],
        "no weights": with_entries(sound, weights=None),
        "no config at all": with_entries(sound, config=None),
        "weights of NumPy": with_entries(sound, weights=None, **{"model.weights.npz": b""}),
        "another entry": with_entries(sound, **{"assets/../../mark": b"1"}),
        "an absolute entry": with_entries(sound, **{"/tmp/mark": b"1"}),
        "a bomb as config": with_entries(sound, zipfile.ZIP_DEFLATED, config=blanks),
        "a large config": with_entries(sound, config=blanks),
        "a bomb as weights": with_entries(sound, zipfile.ZIP_DEFLATED, weights=bytes(2**25)),
        "a bomb by bzip2": with_entries(sound, zipfile.ZIP_BZIP2, weights=bytes(2**25)),
    }
    for name, data in names.items():
        yield f"keras, {name}", data, ".keras", "Received: path="
    twice = with_entries(sound, **{"CONFIG.JSON": b"{}"}).replace(b"CONFIG.JSON", CONFIG.encode())
    yield "keras, an entry twice", twice, ".keras", "the entry 'config.json' occurs twice"
    place = sound.index(b"PK\x01\x02")
    sizes = ("sizes that contradict", 24, b"\xff\xff\xff\x7f")
    flags = (("an encrypted entry", 8, b"\x01\0"), ("an unknown method", 10, b"\x63\0"))
    for name, at, value in (sizes, *flags):
        changed = bytearray(sound)
        changed[place + at : place + at + len(value)] = value
        yield f"keras, {name}", bytes(changed), ".keras", "the entry 'metadata.json'"
    end = sound.rindex(b"PK\x05\x06")
    huge = sound[: end + 12] + b"\xff\xff\xff\x7f" + sound[end + 16 :]
    yield "keras, a directory of 2 GB", huge, ".keras", "Received: path="


def committees(sound):
    """Yields files as `keras_files` does; `sound` is a file of a `SoftCommittee`."""

    def members(change):
        def changed(saved):
            saved["config"]["members"] = change(saved["config"]["members"])

        return changed

    def fields(**values):
        return lambda saved: saved["config"].update(values)

    def field(name, value):
        def change(found):
            found = copy.deepcopy(found)
            found[1][1]["config"][name] = value
            return found

        return members(change)

    changes = {
        "of nobody": members(lambda found: []),
        "of a number": members(lambda found: 3),
        "of an unknown kind": members(lambda found: [["hostile>None", found[0][1]]]),
        "of a registered class": members(lambda found: [["hostile>Evil", found[0][1]]]),
        "of itself": members(lambda found: [["cctzoo>SoftCommittee", found[0][1]]]),
        "of one twice": members(lambda found: [found[0], found[0]]),
        "of 10**4": members(lambda found: found[:1] * 10**4),
        "of other classes": field("classes", 7),
        "of other images": field("input_shape", [16, 16, 3]),
        "without a top": field("include_top", False),
        "of a binary model": field("classifier_activation", "sigmoid"),
        "of a deep model": field("depth", 10**9),
        "with an average of a list": fields(average=["logits"]),
        "with an unknown average": fields(average="mean"),
        "with an activation that is a class": fields(classifier_activation=LAMBDA),
        "with weights of a text": fields(weights="ab"),
        "with one weight": fields(weights=[1]),
        "with huge weights": fields(weights=[1e308, 1e308]),
        "with NaN as weight": fields(weights=[float("nan"), 1.0]),
        "with weights of 10**400": fields(weights=[10**400, 1]),
        "with negative weights": fields(weights=[-1.0, 2.0]),
        "with weights that sum to 3": fields(weights=[1.0, 2.0]),
    }
    for name, change in changes.items():

        def changed(saved, change=change):
            change(saved)

        yield f"committee {name}", with_config(sound, changed), ".keras", "config.json: "


def descriptions(sound):
    """Yields (fault, text of a `config.json` or of the metadata of a safetensors file, message).

    Args:
        sound: the description of a `CCT`.
    """
    for name, (fields, fault) in FIELDS.items():
        yield name, json.dumps({**sound, "config": {**sound["config"], **fields}}), fault
    for name, value in NAMES.items():
        yield f"named {name}", json.dumps({**sound, "name": value}), "The `name` of a model"
    members = [{**sound, "name": name} for name in "ab"]
    committee = {"kind": "soft_committee", "name": "both", "members": members}
    committee |= {"average": "logits", "weights": [0.5, 0.5], "classifier_activation": None}
    for name, changes in {
        "nobody": {"members": []},
        "a number": {"members": 3},
        "a text": {"members": "ab"},
        "itself": {"members": [committee]},
        "one twice": {"members": members[:1] * 2},
        "2 * 10**3": {"members": members * 10**3},
        "no weights": {"weights": []},
        "huge weights": {"weights": [1e308, 1e308]},
        "weights of a dict": {"weights": {"a": 1}},
        "an unknown average": {"average": ["logits"]},
    }.items():
        yield f"a committee of {name}", json.dumps({**committee, **changes}), "Received: "
    for name, text in {
        "no UTF-8": "\udcff",
        "a bomb": " " * 2**25,
        "a kind of a list": json.dumps({**sound, "kind": ["cct"]}),
        "a kind with an escape sequence": json.dumps({**sound, "kind": "\x1b[2J"}),
        "a config of a text": json.dumps({**sound, "config": "\x1b[2J"}),
    }.items():
        yield name, text, "Received: "
