import { describe, expect, test } from 'vitest';
import { parsePoni } from '../../src/geometry/poni.js';

const PLACE = ['Distance: 0.25', 'Poni1: 0.1', 'Poni2: 0.2', 'Rot1: 0.01', 'Rot2: -0.02', 'Rot3: 3e-3', 'Wavelength: 1e-10'];
const config = (entries: Record<string, unknown>): string => `Detector_config: ${JSON.stringify(entries)}`;
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

  test('keys that move no pixel are taken: material, standard binning and modules, empty files', () => {
    const harmless = { sensor: { material: 'Si' }, binning: [1, 1], module_size: [195, 487], x_offset_file: null, splineFile: null };
    expect(parsePoni(poni('Detector: Pilatus2M', config(harmless), 'Parallax: False', '# Calibrant: CeO2'))).toMatchObject({
      detector: 'Pilatus2M',
      shape: [1679, 1475],
    });
  });

  test('a camera of one piece may be binned: the frames give the shape', () => {
    const geometry = parsePoni(poni('Detector: RayonixMx170', config({ pixel1: 88.5416e-6, pixel2: 88.5416e-6 })));
    expect(geometry).toMatchObject({ pixel1: 88.5416e-6, shape: undefined });
  });

  test.each([
    ['an unknown version', poni('poni_version: 9', 'Detector: Pilatus2M'), 'poni_version'],
    ['a parallax correction', poni('Detector: Pilatus2M', 'Parallax: True'), 'parallax'],
    ['a spline', poni('Detector: Pilatus2M', 'SplineFile: a.spline'), 'spline'],
    ['an unknown pixel size', poni('Detector: Nobody'), 'Nobody'],
    ['a detector named like a property of objects', poni('Detector: constructor'), 'constructor'],
    ['a detector with pixels of two sizes', poni('Detector: Jungfrau'), 'several sizes'],
    ['an unknown detector, although its pixel sizes are given', poni('Detector: Nobody', config({ pixel1: 1e-4, pixel2: 1e-4 })), 'Nobody'],
    ['a curved detector, although its pixel sizes are given', poni('Detector: Cirpad', config({ pixel1: 1e-4, pixel2: 1e-4 })), 'curved'],
    ['a detector of hexagons', poni('Detector: Pixirad1', config({ pixel1: 5e-5, pixel2: 6e-5 })), 'hexagonal'],
    ['a file that describes a detector', poni('Detector: /data/detector.h5'), '/data/detector.h5'],
    ['a radius', poni('Detector: Detector', config({ pixel1: 1, pixel2: 1, radius: 0.3 })), 'radius'],
    ['a file of offsets', poni('Detector: Pilatus2M', config({ x_offset_file: 'x.cbf' })), 'x_offset_file'],
    ['a spline in Detector_config', poni('Detector: FReLoN', config({ splineFile: 'a.spline' })), 'splinefile'],
    ['a file in Detector_config', poni('Detector: Detector', config({ pixel1: 1, pixel2: 1, filename: 'd.h5' })), 'filename'],
    ['modules of another size', poni('Detector: Pilatus2M', config({ module_size: [100, 487] })), 'module_size'],
    ['binning', poni('Detector: Pilatus2M', config({ binning: [2, 2] })), 'binning'],
    ['a key of Detector_config that is not known', poni('Detector: Pilatus2M', config({ tilt: 3 })), 'tilt'],
    ['a key that is not known', poni('Detector: Pilatus2M', 'Rotation4: 1'), 'rotation4'],
    ['a line without a colon', poni('Detector: Pilatus2M', 'Rot1 0.5'), 'line 2'],
    ['a number in hexadecimal', poni('Detector: Pilatus2M').replace('Rot2: -0.02', 'Rot2: 0x10'), 'rot2'],
    ['a parallax that is neither true nor false', poni('Detector: Pilatus2M', 'Parallax: perhaps'), 'parallax'],
    ['another pixel size than that of the modules', poni('Detector: Pilatus2M', config({ pixel1: 344e-6, pixel2: 344e-6 })), 'Pilatus2M'],
    ['two distances', poni('Detector: Pilatus2M', 'dist: 0.3'), 'dist'],
    ['an orientation between two', poni('Detector: Pilatus2M', config({ orientation: 2.5 })), 'orientation'],
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
