"""Computes the expected results in test/golden/*.json with pyFAI, numpy and scipy.

    python3 -m venv /tmp/goldens && /tmp/goldens/bin/pip install pyFAI scipy tifffile
    /tmp/goldens/bin/python test/golden/make-goldens.py

The inputs are made by the generator of `lcg` below, which test/golden/lcg.ts repeats; only parameters and results are
stored. Versions used stand in each file.
"""

import json
import pathlib
import platform
import sys
import zlib

import numpy
import pyFAI
import pyFAI.detectors
import scipy
import scipy.ndimage
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

HERE = pathlib.Path(__file__).parent
SHAPE = (64, 80)
VERSIONS = {"pyFAI": pyFAI.version, "numpy": numpy.__version__, "scipy": scipy.__version__, "python": platform.python_version()}


def lcg(seed, count):
    """x -> (1664525 x + 1013904223) mod 2^32 (Numerical Recipes); the upper 16 bits of each state after the first step."""
    values = numpy.empty(count, dtype=numpy.uint16)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = state >> 16
    return values


def frame(seed, shape=SHAPE):
    """uint16 with values 0..999, every 16th or so zero."""
    raw = lcg(seed, shape[0] * shape[1]).reshape(shape)
    return numpy.where(raw % 16 == 0, 0, raw % 1000).astype(numpy.uint16)


def mask(seed, shape=SHAPE):
    """uint8, about one in eleven masked."""
    return (lcg(seed, shape[0] * shape[1]).reshape(shape) % 11 == 0).astype(numpy.uint8)


def dark(seed, shape=SHAPE):
    """float32, 0 to 4.9375 in sixteenths, so that every value is exact."""
    return ((lcg(seed, shape[0] * shape[1]).reshape(shape) % 80) / 16).astype(numpy.float32)


def flat(seed, shape=SHAPE):
    """float32, 0.75 to 1.25 in 256ths, a few 0."""
    raw = lcg(seed, shape[0] * shape[1]).reshape(shape)
    return numpy.where(raw % 97 == 0, 0, 0.75 + (raw % 129) / 256).astype(numpy.float32)


def numbers(array):
    """A flat list with twelve digits; what JSON cannot hold becomes null."""
    return [None if not numpy.isfinite(v) else float(f"{v:.12g}") for v in numpy.asarray(array, dtype=float).ravel()]


def write(name, content):
    path = HERE / f"{name}.json"
    path.write_text(json.dumps({"versions": VERSIONS, **content}) + "\n")
    print(path.name, path.stat().st_size, "bytes")


GEOMETRY = {"distance": 0.0437, "poni1": 0.00431, "poni2": 0.00617, "rot1": 0.0, "rot2": 0.0, "rot3": 0.0, "wavelength": 1.0332e-10,
            "pixel1": 1.72e-4, "pixel2": 1.72e-4, "orientation": 3}
TILTED = {**GEOMETRY, "rot1": 0.21, "rot2": -0.13, "rot3": 0.37}
OBLONG = {**GEOMETRY, "pixel1": 1.0e-4, "pixel2": 2.1e-4, "rot1": -0.4, "rot2": 0.3, "rot3": 2.9}

# name, geometry, parameters of the operator, parts folded in (seeds), limits
CASES = [
    ("plain", GEOMETRY, {"unit": "q_A^-1", "bins": 100}, {}, {}),
    ("q in nm", GEOMETRY, {"unit": "q_nm^-1", "bins": 73}, {}, {}),
    ("two theta in degrees, tilted", TILTED, {"unit": "2th_deg", "bins": 100}, {}, {}),
    ("two theta in radians, oblong pixels", OBLONG, {"unit": "2th_rad", "bins": 64}, {}, {}),
    ("radius in mm, tilted", TILTED, {"unit": "r_mm", "bins": 50}, {}, {}),
    ("no solid angle", TILTED, {"unit": "q_A^-1", "bins": 50, "solidAngle": False}, {}, {}),
    ("horizontal polarisation", TILTED, {"unit": "q_A^-1", "bins": 60, "polarization": 0.99}, {}, {}),
    ("vertical polarisation", OBLONG, {"unit": "q_A^-1", "bins": 60, "polarization": -0.7}, {}, {}),
    ("no net polarisation", TILTED, {"unit": "q_A^-1", "bins": 60, "polarization": 0.0}, {}, {}),
    ("mask", TILTED, {"unit": "q_A^-1", "bins": 60}, {"mask": 11}, {}),
    ("more bins than pixels fill", GEOMETRY, {"unit": "q_A^-1", "bins": 400}, {"mask": 11}, {}),
    ("dark", TILTED, {"unit": "q_A^-1", "bins": 60}, {"dark": 12}, {}),
    ("flat", TILTED, {"unit": "q_A^-1", "bins": 60}, {"flat": 13}, {}),
    ("mask, dark and flat with polarisation", TILTED, {"unit": "q_A^-1", "bins": 80, "polarization": 0.95},
     {"mask": 11, "dark": 12, "flat": 13}, {}),
    ("limits", TILTED, {"unit": "q_A^-1", "bins": 60}, {"mask": 11, "dark": 12}, {"below": 5, "above": 900}),
    ("range", TILTED, {"unit": "q_A^-1", "bins": 40, "range": [0.4, 1.3]}, {"mask": 11}, {}),
    ("range in degrees, wider than the detector", GEOMETRY, {"unit": "2th_deg", "bins": 40, "range": [0, 30]}, {}, {}),
    ("orientation 1", {**TILTED, "orientation": 1}, {"unit": "q_A^-1", "bins": 60, "polarization": 0.9}, {}, {}),
    ("orientation 2", {**TILTED, "orientation": 2}, {"unit": "q_A^-1", "bins": 60, "polarization": 0.9}, {}, {}),
    ("orientation 4", {**TILTED, "orientation": 4}, {"unit": "q_A^-1", "bins": 60, "polarization": 0.9}, {}, {}),
]


def integrator(geometry):
    detector = pyFAI.detectors.Detector(geometry["pixel1"], geometry["pixel2"], max_shape=SHAPE, orientation=geometry["orientation"])
    names = ("poni1", "poni2", "rot1", "rot2", "rot3", "wavelength")
    return AzimuthalIntegrator(dist=geometry["distance"], detector=detector, **{name: geometry[name] for name in names})


def integrate():
    cases = []
    for name, geometry, params, parts, limits in CASES:
        data = frame(1)
        bad = mask(parts["mask"]) if "mask" in parts else numpy.zeros(SHAPE, numpy.uint8)
        bad = bad | (data < limits.get("below", -1)) | (data > limits.get("above", 2**31))
        result = integrator(geometry).integrate1d_ng(
            data, params["bins"], unit=params["unit"], mask=bad,
            dark=dark(parts["dark"]) if "dark" in parts else None,
            flat=flat(parts["flat"]) if "flat" in parts else None,
            correctSolidAngle=params.get("solidAngle", True), polarization_factor=params.get("polarization"),
            radial_range=params.get("range"), error_model="poisson", method=("no", "histogram", "cython"))
        cases.append({"name": name, "geometry": geometry, "params": params, "parts": parts, "limits": limits,
                      "radial": numbers(result.radial), "intensity": numbers(result.intensity), "sigma": numbers(result.sem)})
    write("integrate-azimuthal", {"shape": SHAPE, "cases": cases})


def pixels():
    """Positions of some pixels, from pyFAI's own geometry."""
    cases = []
    probes = [(0, 0), (0, 79), (63, 0), (63, 79), (25, 36), (10, 71)]
    for name, geometry in [("upright", GEOMETRY), ("tilted", TILTED), ("oblong", OBLONG)] + [
            (f"orientation {o}", {**TILTED, "orientation": o}) for o in (1, 2, 4)]:
        ai = integrator(geometry)
        unit = {u: ai.array_from_unit(SHAPE, "center", u) for u in ("q_nm^-1", "2th_rad", "r_m")}
        cases.append({"name": name, "geometry": geometry, "probes": probes,
                      **{key: [float(unit[u][p]) for p in probes] for key, u in
                         (("q", "q_nm^-1"), ("twoTheta", "2th_rad"), ("radius", "r_m"))},
                      "azimuth": [float(ai.chiArray(SHAPE)[p]) for p in probes],
                      "solidAngle": [float(ai.solidAngleArray(SHAPE)[p]) for p in probes],
                      "polarization": [float(ai.polarization(SHAPE, 0.9)[p]) for p in probes]})
    write("pixel-maps", {"shape": SHAPE, "cases": cases})


def detectors():
    """Every detector of pyFAI that is flat with pixels of one size, and the names of those that are not."""
    classes = {}
    for alias, cls in pyFAI.detectors.ALL_DETECTORS.items():
        classes.setdefault(cls, {cls.__name__}).update([alias, *cls.aliases])
    cases, refused = [], []
    for cls, names in sorted(classes.items(), key=lambda item: item[0].__name__):
        detector = cls()
        if cls is pyFAI.detectors.Detector:
            continue
        if not (detector.uniform_pixel and detector.IS_FLAT and detector.IS_CONTIGUOUS):
            refused += sorted(names)
            continue
        bad = detector.mask
        bad = numpy.zeros(detector.shape, numpy.uint8) if bad is None else (numpy.asarray(bad) != 0).astype(numpy.uint8)
        assert bad.shape == tuple(detector.shape)
        cases.append({"names": sorted(names), "shape": list(detector.shape), "pixel": [detector.pixel1, detector.pixel2],
                      "masked": int(bad.sum()), "crc32": zlib.crc32(bad.tobytes())})
    write("detectors", {"cases": cases, "refused": refused})


def gaps():
    """Frames of detectors known by name, integrated with pyFAI's defaults: it masks the gaps, and by dtype what is no data."""
    cases = []
    for name, dtype, missing in (("Pilatus300k", "int32", -1), ("PilatusCdTe300kw", "int16", -2), ("Eiger1M", "uint32", 2**32 - 1),
                                 ("Eiger2CdTe_500k", "uint16", 65535), ("Maxipix2x2", "uint16", None)):
        detector = pyFAI.detectors.detector_factory(name)
        shape = detector.max_shape
        data = frame(5, shape).astype(dtype)
        if missing is not None:
            data[detector.mask.astype(bool) | (lcg(6, data.size).reshape(shape) % 97 == 0)] = missing
        geometry = {"detector": name, "distance": 0.1, "poni1": 0.031, "poni2": 0.027, "rot1": 0.05, "rot2": -0.02, "rot3": 0.1,
                    "wavelength": 1e-10}
        ai = AzimuthalIntegrator(dist=0.1, detector=detector, **{key: geometry[key] for key in ("poni1", "poni2", "rot1", "rot2", "rot3", "wavelength")})
        result = ai.integrate1d_ng(data, 60, unit="q_A^-1", error_model="poisson", method=("no", "histogram", "cython"))
        cases.append({"geometry": geometry, "dtype": dtype, "missing": missing, "shape": list(shape),
                      "masked": int(detector.mask.sum()),
                      "radial": numbers(result.radial), "intensity": numbers(result.intensity), "sigma": numbers(result.sem)})
    write("gaps", {"bins": 60, "cases": cases})


def tables():
    """One table of 4 x 5 pixels in the formats of masks, by the libraries of each format (fabio, tifffile, h5py, numpy)."""
    import fabio
    import h5py
    import tifffile
    folder = HERE / "tables"
    folder.mkdir(exist_ok=True)
    table = (numpy.arange(20).reshape(4, 5) % 3 == 0).astype(numpy.uint8)
    numpy.save(folder / "mask.npy", table)
    tifffile.imwrite(folder / "mask.tif", table)
    fabio.edfimage.EdfImage(data=table).write(str(folder / "mask.edf"))
    fabio.edfimage.EdfImage(data=table.astype(numpy.int32) * -7).write(str(folder / "int32.edf"))
    fabio.edfimage.EdfImage(data=table.astype(numpy.float64) / 3).write(str(folder / "float64.edf"))
    fabio.cbfimage.CbfImage(data=table.astype(numpy.int32)).write(str(folder / "mask.cbf"))
    with h5py.File(folder / "mask.h5", "w", libver="latest") as file:
        file["mask"] = table
    with h5py.File(folder / "two.h5", "w", libver="latest") as file:
        file["entry/mask"] = table
        file["entry/other"] = table + 1


def rebin():
    cases = []
    for dtype in ("uint16", "int32", "float64"):
        for fy, fx in ((2, 2), (4, 1), (3, 7), (64, 80)):
            data = frame(2).astype(dtype)
            if dtype == "int32":
                data = data * 4_000_000 - 2_000_000_000
            h, w = SHAPE[0] // fy, SHAPE[1] // fx
            sums = data[:h * fy, :w * fx].astype("float64").reshape(h, fy, w, fx).sum(axis=(1, 3))
            # At most the first 200 sums and the total, to keep the file small.
            cases.append({"dtype": dtype, "factor": [fy, fx], "shape": [h, w], "head": numbers(sums.ravel()[:200]), "total": float(sums.sum())})
    write("rebin", {"shape": SHAPE, "cases": cases})


def roi_stats():
    rois = {"all": {"y": [0, 64], "x": [0, 80]}, "corner": {"y": [60, 64], "x": [70, 80]}, "pixel": {"y": [3, 4], "x": [5, 6]},
            "band": {"y": [20, 21], "x": [0, 80]}}
    data = frame(3).astype("float64")
    data[mask(14) != 0] = numpy.nan
    data[3, 5] = 17
    results = {}
    for name, roi in rois.items():
        part = data[slice(*roi["y"]), slice(*roi["x"])]
        valid = part[numpy.isfinite(part)]
        com = scipy.ndimage.center_of_mass(numpy.nan_to_num(part))
        results[name] = {"min": valid.min(), "max": valid.max(), "mean": valid.mean(), "sigma": valid.std(), "total": valid.sum(),
                         "count": len(valid), "com_y": com[0] + roi["y"][0], "com_x": com[1] + roi["x"][0]}
    results = {name: {key: float(value) for key, value in result.items()} for name, result in results.items()}
    write("roi-stats", {"shape": SHAPE, "rois": rois, "results": results})


def accumulate():
    frames = numpy.stack([frame(seed, (8, 10)) for seed in range(20, 27)]).astype("float64")
    # The offset makes the textbook formula, sum of squares less square of the sum, lose its digits.
    shifted = frames + 1e9
    write("accumulate", {"shape": [8, 10], "seeds": list(range(20, 27)), "offset": 1e9,
                         "mean": numbers(frames.mean(axis=0)), "variance": numbers(frames.var(axis=0, ddof=1)),
                         "shiftedVariance": numbers(shifted.var(axis=0, ddof=1)), "mean3": numbers(frames[3:6].mean(axis=0)),
                         "variance3": numbers(frames[3:6].var(axis=0, ddof=1))})


def percentiles():
    fractions = [0, 1, 25, 50, 99.5, 100]
    data = frame(4).astype("float32") / 7 - 30
    write("percentile", {"shape": SHAPE, "percent": fractions,
                         "values": numbers(numpy.percentile(data.astype("float64"), fractions, method="lower"))})


if __name__ == "__main__":
    for make in (integrate, pixels, detectors, gaps, tables, rebin, roi_stats, accumulate, percentiles):
        make()
    sys.exit(0)
