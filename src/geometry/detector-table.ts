import type { Gaps } from './gaps.js';

/**
 * One detector of the table: the shape of its frames, the size or sizes [axis 1, axis 2] of a pixel in metres, its
 * gaps.
 */
export interface TableRow {
  readonly shape: readonly [number, number];
  readonly pixel: readonly [number, number];
  readonly gaps?: Gaps;
}

/** A family of detectors built of equal modules. */
interface Family {
  readonly pixel: number;
  readonly module: readonly [number, number];
  readonly gap: readonly [number, number];
  /**
   * Columns [before, after] in the middle of a module where the CdTe sensor has no pixels; undefined: not available in
   * CdTe.
   */
  readonly cdteSeam?: readonly [number, number];
  /** Shapes by the rest of the name. */
  readonly shapes: Readonly<Record<string, readonly [number, number]>>;
}

// Sizes, gaps and names come from pyFAI 2026.9.0. Names are normalised with `normalName` of detectors.ts.
const FAMILIES: Readonly<Record<string, Family>> = {
  pilatus: {
    pixel: 172e-6,
    module: [195, 487],
    gap: [17, 7],
    cdteSeam: [1, 2],
    shapes: {
      '100k': [195, 487],
      '200k': [407, 487],
      '300k': [619, 487],
      '300kw': [195, 1475],
      '900k': [619, 1475],
      '900kw': [195, 4439],
      '1m': [1043, 981],
      '2m': [1679, 1475],
      '6m': [2527, 2463],
    },
  },
  pilatus4: {
    pixel: 150e-6,
    module: [255, 513],
    gap: [20, 7],
    cdteSeam: [0, 1],
    shapes: { '260k': [530, 513], '260kw': [255, 1033], '1m': [1080, 1033], '2m': [1630, 1553], '4m': [2180, 2073] },
  },
  eiger: {
    pixel: 75e-6,
    module: [514, 1030],
    gap: [37, 10],
    shapes: { '500k': [514, 1030], '1m': [1065, 1030], '4m': [2167, 2070], '9m': [3269, 3110], '16m': [4371, 4150] },
  },
  eiger2: {
    pixel: 75e-6,
    module: [512, 1028],
    gap: [38, 12],
    cdteSeam: [1, 1],
    shapes: {
      '250k': [512, 512],
      '500k': [512, 1028],
      '1m': [1062, 1028],
      '1mw': [512, 2068],
      '2mw': [512, 4148],
      '4m': [2162, 2068],
      '9m': [3262, 3108],
      '16m': [4362, 4148],
    },
  },
  jungfrau: { pixel: 75e-6, module: [514, 1030], gap: [36, 8], shapes: { '1m': [1064, 1030], '4m': [2164, 2068] } },
  lambda: {
    pixel: 55e-6,
    module: [256, 256],
    gap: [4, 4],
    shapes: {
      '60k': [256, 256],
      '250k': [516, 516],
      '750k': [516, 1556],
      '2m': [1556, 1556],
      '75m': [2596, 2596],
      '7m5': [2596, 2596],
      '10m': [2596, 4676],
    },
  },
  maxipix: {
    pixel: 55e-6,
    module: [256, 256],
    gap: [4, 4],
    shapes: { '': [256, 256], '1x1': [256, 256], '2x2': [516, 516], '5x1': [256, 1296] },
  },
};

/** Detectors of one piece: height, width, pixel along axis 1, along axis 2 where it differs. */
type Piece = readonly [height: number, width: number, pixel1: number, pixel2?: number];

const PIECES: Readonly<Record<string, Piece>> = {
  'adscq4 quantum4': [2304, 2304, 51e-6],
  'adscq210 quantum210': [4096, 4096, 51e-6],
  'adscq270 quantum270': [4168, 4168, 51e-6],
  'adscq315 quantum315': [6144, 6144, 51e-6],
  hf130k: [256, 512, 150e-6],
  hf262k: [512, 512, 150e-6],
  hf1m: [1024, 1024, 150e-6],
  'hf2m hf24m': [1536, 1536, 150e-6],
  hf4m: [2048, 2048, 150e-6],
  'hf9m hf94m': [3072, 3072, 150e-6],
  'apex2 apexii bruker': [1024, 1024, 120e-6],
  'basler aca1300': [966, 1296, 3.75e-6],
  dexela2923: [3888, 3072, 75e-6],
  'fairchild condor fairchildcondor48690': [4096, 4096, 15e-6],
  frelon: [2048, 2048, 50e-6],
  mar555: [3072, 2560, 139e-6],
  'mythen mythen1280': [1, 1280, 8e-3, 50e-6],
  'perkin perkindetector perkinelmer': [2048, 2048, 200e-6],
  'pixium pixium4700 pixium4700detector thaleselectronics': [955, 1240, 308e-6],
  'raspberrypi5m picamv1': [1944, 2592, 1.4e-6],
  'raspberrypi8m picamv2': [2464, 3280, 1.12e-6],
  'raspberrypi12m picamhq': [3040, 4056, 1.55e-6],
  'rayonixlx170 rayonixlx170hs': [1920, 3840, 44.2708e-6],
  'rayonixlx255 rayonixlx255hs rayonixlx225hs': [1920, 5760, 44.2708e-6],
  'rayonixmx170 rayonixmx170hs': [3840, 3840, 44.2708e-6],
  'rayonixmx225 mar225': [3072, 3072, 73.242e-6],
  rayonixmx225hs: [2880, 2880, 78.125e-6],
  'rayonixmx300 mar300': [4096, 4096, 73.242e-6],
  rayonixmx300hs: [3840, 3840, 78.125e-6],
  rayonixmx325: [4096, 4096, 79.346e-6],
  rayonixmx340hs: [3840, 3840, 88.5417e-6],
  rayonixmx425hs: [9600, 9600, 44.2708e-6],
  rayonixsx200: [4096, 4096, 48e-6],
  rayonixsx30hs: [1920, 1920, 15.625e-6],
  rayonixsx85hs: [1920, 1920, 44.2708e-6],
  'titan agilenttitan oxdtitan titan2kx2k': [2048, 2048, 60e-6],
};

/** Detectors that are active only within the circle that fits in their frame. */
const ROUND: Readonly<Record<string, Piece>> = {
  'mar345 mar3450': [3450, 3450, 100e-6],
  'rayonix133 mar133': [2048, 2048, 64e-6],
  'rayonixsx165 mar165': [4096, 4096, 39.5e-6],
};

/** Uniform and flat, but the positions of their gaps are not known here. */
const UNKNOWN_GAPS: Readonly<Record<string, Piece>> = { lambda9m: [3868, 3227, 55e-6], jungfrau8m: [3333, 3212, 75e-6] };

const WIDE = 'it has pixels of several sizes';
const HEXAGONS = 'its pixels are hexagonal';
const CURVED = 'it is curved';

/** Known detectors that cannot be integrated as flat with pixels of one size, each with the reason. */
export const NOT_UNIFORM: ReadonlyMap<string, string> = new Map([
  ...['jungfrau', 'jungfrau500k', 'jungfrau16mcor'].map((name) => [name, WIDE] as const),
  ...['imxpads10', 'imxpads70', 'imxpads70v', 'imxpads140', 'xpadflat', 'xpads540flat', 'd5'].map((name) => [name, WIDE] as const),
  ...['pixirad1', 'pixirad2', 'pixirad4', 'pixirad8'].map((name) => [name, HEXAGONS] as const),
  ...['aarhus', 'cirpad', 'xcirpad', 'rapid', 'rapidii'].map((name) => [name, CURVED] as const),
  ['cylindricaldetector', CURVED],
  ['hexdetector', HEXAGONS],
  ['nexusdetector', 'a separate file describes its pixels'],
]);

function* rows(): Generator<readonly [string, TableRow]> {
  for (const [family, { pixel, module, gap, cdteSeam, shapes }] of Object.entries(FAMILIES)) {
    for (const [size, shape] of Object.entries(shapes)) {
      const grid = { kind: 'grid', module, gap } as const;
      yield [family + size, { shape, pixel: [pixel, pixel], gaps: grid }];
      // The material comes before or after the size: PilatusCdTe2M, Pilatus2M CdTe.
      const cdte: TableRow = { shape, pixel: [pixel, pixel], gaps: { ...grid, ...(cdteSeam && { seam: cdteSeam }) } };
      if (cdteSeam) for (const name of [`${family}cdte${size}`, `${family}${size}cdte`]) yield [name, cdte];
    }
  }
  const pieces: readonly (readonly [Readonly<Record<string, Piece>>, Gaps | undefined])[] = [
    [PIECES, undefined],
    [ROUND, { kind: 'circle' }],
    [UNKNOWN_GAPS, { kind: 'unknown' }],
  ];
  for (const [table, gaps] of pieces)
    for (const [names, [height, width, pixel1, pixel2 = pixel1]] of Object.entries(table))
      for (const name of names.split(' ')) yield [name, { shape: [height, width], pixel: [pixel1, pixel2], ...(gaps && { gaps }) }];
}

/** The detectors whose pixels all have one size, by normal name. */
export const DETECTOR_TABLE: ReadonlyMap<string, TableRow> = new Map(rows());
