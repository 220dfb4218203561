"""Zip archives that are broken, grow when read, or list other entries than they hold."""

import io
import random
import zipfile


def with_pickle(sound, data):
    """The sound file with another data.pkl."""
    return rebuilt(sound, {"archive/data.pkl": data})


def data_pickle(sound):
    """The bytes of data.pkl."""
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        return archive.read("archive/data.pkl")


def rebuilt(sound, changes=(), compression=zipfile.ZIP_STORED, prefix=""):
    """The sound file with other entries; None removes an entry."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(out, "w", compression) as new:
        entries = {name: old.read(name) for name in old.namelist()} | dict(changes)
        for name, data in entries.items():
            if data is not None:
                new.writestr(prefix + name, data)
    return out.getvalue()


def archives(sound):
    bomb = bytes(10**7)
    changed = {
        "zip bomb": (({"archive/bomb": bomb}, zipfile.ZIP_DEFLATED), "is compressed"),
        "bomb as pickle": (({"archive/data.pkl": bomb}, zipfile.ZIP_BZIP2), "is compressed"),
        "long pickle": (
            ({"archive/data.pkl": bytes(2**24 + 1)},),
            "The number of bytes of data.pkl must be at most",
        ),
        "no data.pkl": (({"archive/data.pkl": None},), "exactly one data.pkl"),
        "an archive of TorchScript": (
            ({"archive/constants.pkl": b")."},),
            "torch.jit.load(path).state_dict()",
        ),
        "two data.pkl": (({"other/data.pkl": b"}."},), "exactly one data.pkl"),
        "a folder upwards": (({}, zipfile.ZIP_STORED, "../"), "exactly one data.pkl"),
        "an absolute name": (({}, zipfile.ZIP_STORED, "/"), "exactly one data.pkl"),
        "a storage missing": (({"archive/data/3": None},), "is not in the file"),
        "a storage cut": (({"archive/data/3": b"1234"},), "does not have the length"),
    }
    for name, (changes, fault) in changed.items():
        yield name, rebuilt(sound, *changes), ".pth", fault
    yield "an empty file", b"", ".pth", "not a complete zip archive"
    yield "a text", b"<html>404 not found</html>", ".pth", "not a complete zip archive"
    old = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    yield "the old format", old, ".pth", "before PyTorch 1.6"
    for share in (0.02, 0.3, 0.7, 0.99, 0.9999):
        cut = sound[: int(share * len(sound))]
        yield f"file cut at {share}", cut, ".pth", "not a complete zip archive"
    places = [place for place in range(len(sound)) if sound.startswith(b"PK\x01\x02", place)]
    same = sound[places[3] + 42 : places[3] + 46]  # where a storage starts
    size = (3 * len(sound)).to_bytes(4, "little")
    directories = {
        "overlapping entries": ({42: same}, "differ"),
        "entries of other lengths": ({20: size, 24: size}, "larger than the file"),
        "entries of 4 GB": ({20: b"\xfe" + b"\xff" * 3, 24: b"\xfe" + b"\xff" * 3}, "larger"),
        "encrypted entries": ({8: b"\x01\0"}, "encrypted"),
        "entries by an unknown method": ({10: b"\x63\0"}, "compressed"),
    }
    for name, (changes, fault) in directories.items():
        file = bytearray(sound)
        for place in places[3:6]:
            for at, value in changes.items():
                file[place + at : place + at + len(value)] = value
        yield name, bytes(file), ".pth", fault


def flipped(sound, count):
    """Copies of the sound file, each with one flipped bit."""
    rng = random.Random(0)
    for _ in range(count):
        changed = bytearray(sound)
        changed[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        yield bytes(changed)
