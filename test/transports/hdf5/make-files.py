"""Writes the HDF5 files beside this script, with h5py alone: python make-files.py

Needs h5py 3.16.0 (HDF5 2.0.0), hdf5plugin 7.1.0 and numpy 2.4.6, with which the files were written. Each pixel follows one
formula (`pixels`), so that the tests know the right values without Python. The files are kept in gzip.
"""

import gzip
import os
import shutil
import tempfile

import h5py
import hdf5plugin
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
H, W = 12, 18


def pixels(frames, dtype="<u2", first=0, height=H, width=W):
    """Frame f, row r, column c: 100 f + 37 r + 11 c + (r c mod 7), modulo 251."""
    f, r, c = np.ogrid[first : first + frames, :height, :width]
    return ((100 * f + 37 * r + 11 * c + (r * c) % 7) % 251).astype(dtype)


def filters(h):
    own = {
        "plain": {},
        "gzip": dict(compression="gzip", shuffle=True),
        "gzip-fletcher32": dict(compression="gzip", fletcher32=True),
        "lzf": dict(compression="lzf", shuffle=True),
        "szip": dict(compression="szip"),
        "scaleoffset": dict(scaleoffset=0),
        "bzip2": hdf5plugin.BZip2(),
        "lz4": hdf5plugin.LZ4(),
        "lz4-small-blocks": hdf5plugin.LZ4(nbytes=128),
        "zstd": hdf5plugin.Zstd(),
        "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
        "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
        "bitshuffle-lz4-small-blocks": hdf5plugin.Bitshuffle(cname="lz4", nelems=64),
        "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    }
    for codec in ("blosclz", "lz4", "zlib", "zstd"):
        for shuffle in (0, 1, 2):
            own[f"blosc-{codec}-{shuffle}"] = hdf5plugin.Blosc(cname=codec, shuffle=shuffle, clevel=9)
    for name, options in own.items():
        h.create_dataset(name, data=pixels(3), chunks=(1, H, W), **options)
    # Tiles that reach over the edge, several frames a chunk, items of other sizes and of the other byte order.
    for dtype in ("u1", ">u2", "<i4", ">f4", "<f8", "<u8", "<f2"):
        for name in ("gzip", "lzf", "bitshuffle-lz4", "blosc-zstd-1"):
            h.create_dataset(f"tiles/{name}/{np.dtype(dtype).name}{'-big' if '>' in dtype else ''}", data=pixels(3, dtype), chunks=(2, 5, 7), **own[name])
    h.create_dataset("blosc2", data=pixels(3), chunks=(1, H, W), **hdf5plugin.Blosc2())


def odd_bits(h):
    """Numbers of 12 bits in 2 bytes, plain and through filters."""
    twelve = h5py.h5t.STD_U16LE.copy()
    twelve.set_precision(12)
    for name in ("plain", "nbit", "bitshuffle"):
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk((2, H, W))
        if name == "nbit":
            create.set_filter(h5py.h5z.FILTER_NBIT, 0, ())
        if name == "bitshuffle":
            create.set_filter(32008, 0, (0, 2))
        h5py.h5d.create(h.id, name.encode(), twelve, h5py.h5s.create_simple((3, H, W)), create)
        h[name][...] = pixels(3)


def layouts(h):
    small = dict(height=2, width=4)
    many = pixels(1100, "u1", **small)
    limits = {"fixed": None, "growing": (None, 2, 4), "growing-twice": (None, None, 4), "growing-fast": (1100, 2, None)}
    for name, limit in limits.items():
        h.create_dataset(name, data=many, chunks=(1, 2, 4), maxshape=limit)
        h.create_dataset(f"{name}-gzip", data=many, chunks=(1, 2, 4), maxshape=limit, compression="gzip")
    h.create_dataset("one-chunk", data=pixels(3), chunks=(3, H, W))
    h.create_dataset("one-chunk-gzip", data=pixels(3), chunks=(3, H, W), compression="gzip")
    h["contiguous"] = pixels(3)
    h["image"] = pixels(1)[0]
    h["grid"] = pixels(6).reshape(2, 3, H, W)
    h["one-threshold"] = pixels(3).reshape(3, 1, H, W)
    for name, layout in (("compact", h5py.h5d.COMPACT), ("early", h5py.h5d.CHUNKED)):
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_layout(layout)
        if name == "early":
            create.set_chunk((1, 5, W))
            create.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        h5py.h5d.create(h.id, name.encode(), h5py.h5t.NATIVE_UINT16, h5py.h5s.create_simple((3, H, W)), create)
        h[name][...] = pixels(3)
    h["type"] = np.dtype("<i4")
    named = h.create_dataset("named-type", data=pixels(3, "<i4"), dtype=h["type"])
    for index in range(20):
        named.attrs[f"note-{index}"] = "x" * 40
    # Frame 2 was never written, of frame 1 only the upper part.
    partial = h.create_dataset("partial", (3, H, W), "<u2", chunks=(1, 6, W), fillvalue=7)
    partial[0] = pixels(1)[0]
    partial[1, :6] = pixels(1, first=1)[0, :6]
    h.create_dataset("never", (3, H, W), "<u2")


def virtual(folder):
    for index in range(2):
        with h5py.File(f"{folder}/source-{index}.h5", "w", libver="latest") as h:
            h.create_dataset("entry/data", data=pixels(3, first=3 * index), chunks=(3, H, W), **hdf5plugin.Bitshuffle())
    with h5py.File(f"{folder}/virtual.h5", "w", libver="latest") as h:
        sources = [h5py.VirtualSource(f"source-{index}.h5", "entry/data", shape=(3, H, W)) for index in range(2)]
        stack = h5py.VirtualLayout((6, H, W), "<u2")
        turns = h5py.VirtualLayout((6, H, W), "<u2")
        modules = h5py.VirtualLayout((3, H, 2 * W + 2), "<u2")
        for index, source in enumerate(sources):
            stack[3 * index : 3 * index + 3] = source
            turns[index::2] = source
            modules[:, :, index * (W + 2) : index * (W + 2) + W] = source
        h.create_virtual_dataset("stack", stack, fillvalue=65535)
        h.create_virtual_dataset("turns", turns)
        h.create_virtual_dataset("modules", modules, fillvalue=99)
        short = h5py.VirtualLayout((8, H, W), "<u2")
        short[0:6] = h5py.VirtualSource("source-0.h5", "entry/data", shape=(6, H, W))
        h.create_virtual_dataset("short", short)


def unfinished(folder):
    """Files as a writer leaves them that is at work, or was killed: flags and the end of file in the superblock are stale."""
    for name, swmr, libver in (("swmr", True, "latest"), ("killed", False, "latest"), ("killed-old", False, "earliest")):
        place = f"{folder}/{name}.h5"
        child = os.fork()
        if child == 0:
            h = h5py.File(place, "w", libver=libver)
            data = h.create_dataset("entry/data/data", (0, H, W), "<u2", chunks=(1, H, W), maxshape=(None, H, W), compression="gzip")
            h.flush()
            if swmr:
                h.swmr_mode = True
            for index in range(3):
                data.resize(index + 1, 0)
                data[index] = pixels(1, first=index)[0]
                h.flush()
            os._exit(9)
        os.waitpid(child, 0)


def choices(folder):
    with h5py.File(f"{folder}/nexus.h5", "w") as h:
        h["entry/instrument/detector/data"] = pixels(3)
        h["entry/data/frames"] = h["entry/instrument/detector/data"]
        h["entry/data/other"] = pixels(3, first=50)
        h["entry/monitor/data"] = pixels(3, first=60)
        h["entry/instrument/detector/pixel_mask"] = np.zeros((H, W), "u4")
        h.attrs["default"] = "entry"
        h["entry"].attrs["default"] = "data"
        h["entry/data"].attrs["signal"] = "frames"
    for index in (1, 2, 10):
        with h5py.File(f"{folder}/scan_data_{index:06}.h5", "w") as h:
            frames = {1: 0, 2: 2, 10: 4}[index]
            h.create_dataset("entry/data/data", data=pixels(2, first=frames), chunks=(1, H, W), **hdf5plugin.Bitshuffle())
    with h5py.File(f"{folder}/scan_master.h5", "w") as h:
        for index in (1, 2, 10):
            h[f"entry/data/data_{index:06}"] = h5py.ExternalLink(f"scan_data_{index:06}.h5", "/entry/data/data")
        detector = h.create_group("entry/instrument/detector/detectorSpecific")
        detector["pixel_mask"] = np.zeros((H, W), "u4")
        detector["flatfield"] = np.ones((H, W), "f4")
        h["entry/first"] = h5py.SoftLink("/entry/data/data_000001")
    with h5py.File(f"{folder}/several.h5", "w") as h:
        h["a/frames"] = pixels(3)
        h["b/frames"] = pixels(3, "<f4")
        h["text"] = "no image"
        h["curve"] = np.arange(5.0)
        h["broken"] = h5py.ExternalLink("no-such-file.h5", "/data")


def write(folder):
    with h5py.File(f"{folder}/filters.h5", "w") as h:
        filters(h)
    for name, libver in (("old", "earliest"), ("new", "latest")):
        with h5py.File(f"{folder}/layouts-{name}.h5", "w", libver=libver, userblock_size=512 if name == "old" else 0) as h:
            layouts(h)
    with h5py.File(f"{folder}/odd-bits.h5", "w") as h:
        odd_bits(h)
    virtual(folder)
    unfinished(folder)
    choices(folder)


if __name__ == "__main__":
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    with tempfile.TemporaryDirectory() as folder:
        write(folder)
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as plain, open(os.path.join(HERE, f"{name}.gz"), "wb") as packed:
                packed.write(gzip.compress(plain.read(), 9, mtime=0))
