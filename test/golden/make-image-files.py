"""Writes image-files.json: small TIFF and CBF files with the images that they hold. Needs numpy, tifffile, imagecodecs, pillow, pycbf.

TIFF is written by tifffile (packed by imagecodecs, which wraps libtiff's and zlib's codecs) and by Pillow (libtiff), CBF by
CBFlib (pycbf). The expected images are the arrays that went in, not what any reader made of the files.
"""
import base64, io, json, os, sys, tempfile
import numpy as np, tifffile, pycbf
from PIL import Image

rng = np.random.default_rng(20)
folder = tempfile.mkdtemp()
files = []

def add(name, data, images, dtype=None):
    """images: a list of 2-d arrays; dtype: what a reader gives, where it differs from theirs."""
    images = [np.asarray(image) for image in images]
    files.append({
        "name": name, "file": base64.b64encode(data).decode(), "dtype": dtype or images[0].dtype.name,
        "shape": list(images[0].shape), "images": [[str(v) for v in image.ravel().tolist()] for image in images]})

def tiff(name, array, images=None, dtype=None, **how):
    path = os.path.join(folder, "t.tif")
    how.setdefault("metadata", None)
    tifffile.imwrite(path, array, photometric="minisblack", **how)
    add(name, open(path, "rb").read(), images if images is not None else [array], dtype)

small = np.arange(35).reshape(5, 7) * 3
for dtype in "uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64".split():
    a = small.astype(dtype)
    if dtype.startswith(("int", "float")): a = -a
    read_as = "float32" if dtype == "float16" else None
    for order in "<>":
        end = "le" if order == "<" else "be"
        tiff(f"tiff {dtype} {end}", a, dtype=read_as, byteorder=order, rowsperstrip=2)
        for packing in ("lzw", "deflate") if a.dtype.kind != "f" else ():
            tiff(f"tiff {dtype} {end} {packing} predictor 2", a, dtype=read_as, byteorder=order, compression=packing, predictor=2, rowsperstrip=2)
        if dtype.startswith("float"):
            tiff(f"tiff {dtype} {end} deflate predictor 3", a, dtype=read_as, byteorder=order, compression="deflate", predictor=3)
special = np.array([[0.0, -0.0, 5.96e-8, 6.1e-5, 65504.0, np.inf, -np.inf, -1.5]], "f2")
tiff("tiff float16 special", special, dtype="float32")
noise = rng.poisson(40, (28, 45)).astype("u2")
for name, how in {
    "lzw": {"compression": "lzw"}, "packbits": {"compression": "packbits"}, "deflate": {"compression": "deflate"},
    "tiles": {"tile": (16, 32)}, "tiles lzw predictor": {"tile": (16, 32), "compression": "lzw", "predictor": 2},
    "tiles be deflate": {"tile": (32, 16), "compression": "deflate", "byteorder": ">"}, "bigtiff": {"bigtiff": True},
    "bigtiff be tiles": {"bigtiff": True, "byteorder": ">", "tile": (16, 16)},
}.items():
    tiff(f"tiff noise {name}", noise, **how)
tiff("tiff one tile larger than the image", small.astype("f4"), tile=(64, 64), compression="deflate")
runs = np.repeat(np.arange(8, dtype="u1"), 40).reshape(5, 64)
tiff("tiff runs packbits", runs, compression="packbits")
stack = np.stack([small + k for k in range(5)]).astype("u2")
tiff("tiff pages", stack, images=stack)
tiff("tiff pages bigtiff be", stack, images=stack, bigtiff=True, byteorder=">")
tiff("tiff pages with metadata", stack, images=stack, metadata={})
tiff("tiff one directory, tifffile", stack, images=stack, truncate=True, metadata={})
tifffile.imwrite(os.path.join(folder, "t.tif"), stack, imagej=True)
add("tiff pages, ImageJ", open(os.path.join(folder, "t.tif"), "rb").read(), stack)
tifffile.imwrite(os.path.join(folder, "t.tif"), stack, imagej=True, truncate=True)
add("tiff one directory, ImageJ", open(os.path.join(folder, "t.tif"), "rb").read(), stack)
with tifffile.TiffWriter(os.path.join(folder, "t.tif")) as out:
    out.write(noise, photometric="minisblack", metadata=None)
    out.write(noise[::2, ::2], photometric="minisblack", subfiletype=1, metadata=None)
    out.write(noise + 1, photometric="minisblack", metadata=None)
add("tiff a reduced copy between pages", open(os.path.join(folder, "t.tif"), "rb").read(), [noise, noise + 1])
bits = rng.integers(0, 2, (9, 21)).astype(bool)
for packing in (None, "packbits", "tiff_lzw"):
    buffer = io.BytesIO()
    Image.fromarray(bits).save(buffer, "TIFF", compression=packing)
    add(f"tiff bits {packing or 'plain'}, Pillow", buffer.getvalue(), [bits.astype("u1")])
for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "TIFF", compression=packing)
    add(f"tiff uint16 {packing}, Pillow", buffer.getvalue(), [noise])

COMPRESSION = {"byte offset": pycbf.CBF_BYTE_OFFSET, "none": pycbf.CBF_NONE}
def cbf(name, images, compression):
    handle = pycbf.cbf_handle_struct()
    handle.new_datablock(b"x"); handle.new_category(b"array_data")
    for column in (b"array_id", b"binary_id", b"data"): handle.new_column(column)
    for number, a in enumerate(images):
        if number: handle.new_row()
        handle.find_column(b"array_id"); handle.set_value(b"PANEL_%d" % number)
        handle.find_column(b"binary_id"); handle.set_integervalue(number + 1)
        handle.find_column(b"data")
        sides = (b"little_endian", a.shape[1], a.shape[0], 1, 0)
        if a.dtype.kind == "f": handle.set_realarray_wdims(COMPRESSION[compression], number + 1, a.tobytes(), a.itemsize, a.size, *sides)
        else: handle.set_integerarray_wdims(COMPRESSION[compression], number + 1, a.tobytes(), a.itemsize, int(a.dtype.kind == "i"), a.size, *sides)
    path = os.path.join(folder, "t.cbf")
    handle.write_widefile(path.encode(), pycbf.CBF, pycbf.MIME_HEADERS | pycbf.MSG_DIGEST, 0)
    add(name, open(path, "rb").read(), images)
for dtype in "uint8 int8 uint16 int16 uint32 int32 uint64 int64".split():
    limits = np.iinfo(dtype)
    values = [0, 1, limits.max, 0, 5, limits.max // 3, limits.max, 3, 7, limits.max - 1, 2, limits.max, limits.min // 3, limits.min // 2, 9]
    a = np.array(values, dtype).reshape(3, 5)
    for compression in COMPRESSION: cbf(f"cbf {dtype} {compression}", [a], compression)
for dtype in ("float32", "float64"): cbf(f"cbf {dtype} none", [np.array([[0, 1.5, -2.25], [1e10, 3, 4]], dtype)], "none")
cbf("cbf two sections", [small.astype("i4"), small.astype("i4") + 100], "byte offset")

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "image-files.json"), "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(file) for file in files) + "\n]\n")
print(len(files), "files")
