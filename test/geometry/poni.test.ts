import { describe, expect, test } from 'vitest';
import { knownDetector } from '../../src/geometry/detectors.js';
import { parsePoni } from '../../src/geometry/poni.js';
import { readGolden } from '../golden/read-golden.js';

const PLACE = ['Distance: 0.25', 'Poni1: 0.1', 'Poni2: 0.2', 'Rot1: 0.01', 'Rot2: -0.02', 'Rot3: 3e-3', 'Wavelength: 1e-10'];
const poni = (...lines: string[]): string => [...lines, ...PLACE].join('\n');

describe('PONI files', () => {
  test('version 1 gives pixel sizes in keys of their own', () => {
    const geometry = parsePoni(poni('# made by hand', 'PixelSize1: 5e-05', 'PixelSize2: 6e-05'));
    expect(geometry).toEqual({
      distance: 0.25,
      poni1: 0.1,
      poni2: 0.2,
      rot1: 0.01,
      rot2: -0.02,
      rot3: 0.003,
      wavelength: 1e-10,
      pixel1: 5e-5,
      pixel2: 6e-5,
      shape: undefined,
      orientation: 3,
    });
  });

  test('version 2 gives pixels and shape in Detector_config', () => {
    const config = 'Detector_config: {"pixel1": 0.0001, "pixel2": 0.0002, "max_shape": [30, 40]}';
    expect(parsePoni(poni('poni_version: 2', 'Detector: Detector', config))).toMatchObject({ pixel1: 1e-4, pixel2: 2e-4, shape: [30, 40] });
  });

  test('version 2.1 adds the orientation, and a known detector its shape and pixels', () => {
    const geometry = parsePoni(poni('poni_version: 2.1', 'Detector: Eiger2CdTe_4M', 'Detector_config: {"orientation": 2}'));
    expect(geometry).toMatchObject({ pixel1: 75e-6, pixel2: 75e-6, shape: [2162, 2068], orientation: 2 });
  });

  test('keys may be written in any case, and a later value replaces an earlier one', () => {
    const geometry = parsePoni(`${poni('DETECTOR: Pilatus2M')}\r\ndistance: 0.5\r\n`);
    expect(geometry).toMatchObject({ distance: 0.5, shape: [1679, 1475] });
  });

  test.each([
    ['an unknown version', poni('poni_version: 9', 'Detector: Pilatus2M'), 'poni_version'],
    ['a parallax correction', poni('Detector: Pilatus2M', 'Parallax: True'), 'parallax'],
    ['a spline', poni('Detector: Pilatus2M', 'SplineFile: a.spline'), 'spline'],
    ['an unknown pixel size', poni('Detector: Nobody'), 'pixel1'],
    ['a detector named like a property of objects', poni('Detector: constructor'), 'pixel1'],
    ['a detector with pixels of two sizes', poni('Detector: Jungfrau'), 'pixel1'],
    ['broken JSON', poni('Detector_config: {"pixel1": '), 'JSON'],
    ['a pixel size in words', poni('Detector_config: {"pixel1": "big", "pixel2": 1}'), 'pixel1'],
    ['a number in words', poni('Detector: Pilatus2M', 'Rot1: north').replace('Rot1: 0.01\n', ''), 'rot1'],
    ['a missing distance', poni('Detector: Pilatus2M').replace('Distance: 0.25\n', ''), 'distance'],
    ['a negative distance', poni('Detector: Pilatus2M').replace('0.25', '-0.25'), 'distance'],
    ['an orientation of 5', poni('Detector: Pilatus2M', 'Detector_config: {"orientation": 5}'), 'orientation'],
    ['a shape with three sides', poni('Detector_config: {"pixel1": 1, "pixel2": 1, "max_shape": [1, 2, 3]}'), 'max_shape'],
  ])('%s is refused by name', (_what, text, name) => {
    expect(() => parsePoni(text)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(name) }));
  });
});

describe('known detectors', () => {
  const { cases } = readGolden<{ cases: { names: string[]; shape: number[]; pixel: number }[] }>('detectors');
  test.each(cases)('shape and pixel of $names.0 are those of pyFAI under each of its names', ({ names, shape, pixel }) => {
    for (const name of names) expect(knownDetector(name)).toEqual({ shape, pixel });
  });
});
