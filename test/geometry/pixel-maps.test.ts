import { describe, expect, test } from 'vitest';
import type { GeometryFields } from '../../src/geometry/geometry-fields.js';
import { geometryOf } from '../../src/geometry/geometry-fields.js';
import { pixelMaps } from '../../src/geometry/pixel-maps.js';
import { radialAxis } from '../../src/geometry/units.js';
import { largestDeviation, readGolden } from '../golden/read-golden.js';

interface Case {
  name: string;
  geometry: GeometryFields;
  probes: [number, number][];
  q: number[];
  twoTheta: number[];
  radius: number[];
  azimuth: number[];
  solidAngle: number[];
  polarization: number[];
}

const { cases } = readGolden<{ cases: Case[] }>('pixel-maps');

describe('pixel maps', () => {
  test.each(cases)('positions and corrections are those of pyFAI: $name', (golden) => {
    const geometry = geometryOf(golden.geometry);
    const probe = (map: Float64Array): number[] => golden.probes.map(([y, x]) => map[y * 80 + x]!);
    const none = { solidAngle: false, polarization: undefined };
    const maps = (unit: 'q_nm^-1' | '2th_rad' | 'r_mm') => pixelMaps(geometry, 64, 80, { axis: radialAxis(unit, geometry), ...none });
    expect(largestDeviation(probe(maps('q_nm^-1').position), golden.q)).toBeLessThan(1e-12);
    expect(largestDeviation(probe(maps('2th_rad').position), golden.twoTheta)).toBeLessThan(1e-12);
    expect(largestDeviation(probe(maps('r_mm').position), golden.radius)).toBeLessThan(1e-12);
    const azimuth = pixelMaps(geometry, 64, 80, { axis: radialAxis('r_mm', geometry), ...none, azimuth: true }).azimuth!;
    // The reference takes azimuths from coordinates, and keeps the corrections, in single precision.
    expect(largestDeviation(probe(azimuth), golden.azimuth)).toBeLessThan(1e-5);
    const axis = radialAxis('r_mm', geometry);
    const solidAngle = pixelMaps(geometry, 64, 80, { axis, solidAngle: true, polarization: undefined }).norm;
    expect(largestDeviation(probe(solidAngle), golden.solidAngle)).toBeLessThan(1e-6);
    const polarization = pixelMaps(geometry, 64, 80, { axis, solidAngle: false, polarization: 0.9 }).norm;
    expect(largestDeviation(probe(polarization), golden.polarization)).toBeLessThan(1e-6);
  });
});
