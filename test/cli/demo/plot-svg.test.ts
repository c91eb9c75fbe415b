import { describe, expect, it } from 'vitest';
import { plotSvg, ticks } from '../../../src/cli/demo/plot-svg.js';

describe('plot', () => {
  it.each([
    [0, 10, [0, 2, 4, 6, 8, 10]],
    [0.1, 0.72, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]],
    [-3, 3, [-3, -2, -1, 0, 1, 2, 3]],
    [1000, 1003, [1000, 1000.5, 1001, 1001.5, 1002, 1002.5, 1003]],
  ])('puts ticks of %d to %d on round values', (low, high, expected) => {
    expect(ticks(low, high, 7)).toEqual(expected);
  });

  it('draws every finite point within the axes, and the band around the curve', () => {
    const svg = plotSvg(
      { x: [0, 1, 2, 3], y: [5, Number.NaN, 20, 10], sigma: [1, 1, 2, 1] },
      {
        title: 'a <title> & "more"',
        xLabel: 'q',
        yLabel: 'I',
        marks: [
          { x: 2, label: '111' },
          { x: 99, label: 'outside' },
        ],
      },
    );
    const points = (tag: string) =>
      new RegExp(`<${tag} points="([^"]*)"`)
        .exec(svg)![1]!
        .split(' ')
        .map((pair) => pair.split(',').map(Number) as [number, number]);
    const line = points('polyline');
    expect(line).toHaveLength(3);
    const band = points('polygon');
    expect(band).toHaveLength(6);
    for (const [x, y] of [...line, ...band]) {
      expect(x).toBeGreaterThanOrEqual(84);
      expect(x).toBeLessThanOrEqual(936);
      expect(y).toBeGreaterThanOrEqual(72);
      expect(y).toBeLessThanOrEqual(476);
    }
    // x is linear: 0 at the left end, 2 at two thirds, 3 at the right end; larger y stands higher
    expect((line[1]![0] - line[0]![0]) / (line[2]![0] - line[0]![0])).toBeCloseTo(2 / 3, 4);
    expect(line[1]![1]).toBeLessThan(line[2]![1]);
    // the band is one sigma high on each side, on the scale of the curve
    const perCount = (line[2]![1] - line[1]![1]) / 10;
    expect((line[1]![1] - band[1]![1]) / perCount).toBeCloseTo(2, 1);
    expect(svg).toContain('a &lt;title&gt; &amp; &quot;more&quot;');
    expect(svg).toContain('>111<');
    expect(svg).not.toContain('outside');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it.each([
    [[]],
    [[[1, 1]]],
    [
      [
        [1, 7],
        [1, 7],
      ],
    ],
  ])('draws axes around %j without dividing by zero', (points) => {
    const svg = plotSvg({ x: points.map(([x]) => x!), y: points.map(([, y]) => y!) }, { title: '', xLabel: '', yLabel: '' });
    expect(svg).not.toMatch(/NaN|Infinity/);
  });
});
