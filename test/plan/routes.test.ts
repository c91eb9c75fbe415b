import { expect, test } from 'vitest';
import { routeKey, routesOf } from '../../src/plan/routes.js';
import { specFromObject } from '../../src/spec/load.js';

const pass = { operators: [{ type: 'veto', min: 0 }] };
const sim = { type: 'sim', frames: 1 };

/** One source, a stage that fans out to two stages and a sink; one of the stages has two sinks. */
const spec = specFromObject({
  version: 1,
  name: 'tree',
  sources: { s: sim },
  stages: { a: { from: 's', ...pass }, b: { from: 'a', ...pass }, c: { from: 'a', ...pass } },
  sinks: { x: { type: 'null', from: 'b' }, y: { type: 'null', from: 'b' }, z: { type: 'null', from: 'c' }, w: { type: 'null', from: 'a' } },
});

test('each way from a source to a sink is one leaf', () => {
  const { paths, leaves } = routesOf(spec, 's');
  expect(paths.map((path) => path.join(' ')).sort()).toEqual(['s a b x', 's a b y', 's a c z', 's a w']);
  expect(leaves).toBe(0b1111);
});

test('the ways on from a node share out its leaves, each named by its lowest, and one keeps the branch that came', () => {
  const routes = routesOf(spec, 's');
  for (const [key, next] of routes.next) {
    const [node, branch] = key.split(' ') as [string, string];
    const served = node === 's' ? routes.leaves : routes.served.get(routeKey(node, Number(branch)))!;
    expect(next.reduce((all, { leaves }) => all | leaves, 0)).toBe(served);
    expect(next.reduce((bits, { leaves }) => bits + leaves.toString(2).replaceAll('0', '').length, 0)).toBe(
      served.toString(2).replaceAll('0', '').length,
    );
    for (const route of next) expect(route.branch).toBe(31 - Math.clz32(route.leaves & -route.leaves));
    expect(next.map((route) => route.branch)).toContain(Number(branch));
  }
});
