"""`.weights.h5` files that are no plain tree of arrays, or claim more than they hold."""

import io

import h5py


def hdf5_files(sound, folder):
    """Yields (fault, bytes of a `.weights.h5` file, part of the message).

    Args:
        sound: bytes of a sound `.weights.h5` file.
        folder: where other files are, which a link could name.
    """
    place = "layers/dense/vars/0"

    def changed(change):
        out = io.BytesIO(sound)
        with h5py.File(out, "a") as file:
            change(file)
        return out.getvalue()

    def replaced(**options):
        def change(file):
            del file[place]
            file.create_dataset(place, **options)

        return changed(change)

    def linked(link):
        def change(file):
            del file[place]
            file[place] = link

        return changed(change)

    def virtual(file):
        del file[place]
        layout = h5py.VirtualLayout((16, 3), "f4")
        layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "x", (16, 3))
        file.create_virtual_dataset(place, layout)

    def twice(file):
        file["layers/again"] = file[place]

    def named(file):
        file["layers/type"] = h5py.h5t.STD_I32LE.dtype

    secret = str(folder / "secret.bin")
    link = "link to another place"
    yield "an external link", linked(h5py.ExternalLink("secret.h5", "/x")), link
    yield "a soft link", linked(h5py.SoftLink("/layers")), link
    yield "a link to itself", linked(h5py.SoftLink(f"/{place}")), link
    yield "two links", changed(twice), "two links to the same object"
    yield "a named type", changed(named), "not an array or a group"
    yield "a virtual array", changed(virtual), "chunked or in another file"
    for name, options, fault in (
        ("10**12 numbers", {"shape": (10**12,), "dtype": "f4"}, "larger than the file"),
        ("10**5 x 10**5", {"shape": (10**5, 10**5), "dtype": "f8"}, "larger than the file"),
        (
            "a fill value",
            {"shape": (10**6,), "dtype": "f4", "fillvalue": 1.0},
            "larger than the file",
        ),
        ("chunks", {"shape": (10**9,), "dtype": "f4", "chunks": (1000,)}, "chunked"),
        (
            "a compressed array",
            {"data": [[0.0] * 3] * 16, "chunks": (16, 3), "compression": "gzip"},
            "compressed",
        ),
        (
            "numbers in another file",
            {"shape": (16, 3), "dtype": "f4", "external": [(secret, 0, 192)]},
            "in another file",
        ),
        ("texts", {"data": ["a", "b"], "dtype": h5py.string_dtype()}, "does not hold numbers"),
        ("a table", {"shape": (3,), "dtype": [("a", "f4"), ("b", "i8")]}, "does not hold numbers"),
        ("nothing", {"data": h5py.Empty("f4")}, "larger than the file"),
    ):
        yield name, replaced(**options), fault
    yield "cut", sound[: len(sound) // 2], "Received: path="
    yield "a text", b"<html>404</html>", "Received: path="
    yield "empty", b"", "Received: path="
    yield "only a signature", sound[:8], "Received: path="
