/** A detector whose pixels all have one size. */
export interface Detector {
  /** [height, width] in pixels, with the gaps between modules. */
  readonly shape: readonly [number, number];
  /** Side of a pixel in metres (they are square). */
  readonly pixel: number;
}

const PILATUS = 172e-6;
const PILATUS4 = 150e-6;
const EIGER = 75e-6;

/** Shapes by name, written as `normalName` makes it; `cdte` is left out because the material moves no pixel. */
const TABLE: Readonly<Record<string, readonly [number, number, number]>> = {
  pilatus100k: [195, 487, PILATUS],
  pilatus200k: [407, 487, PILATUS],
  pilatus300k: [619, 487, PILATUS],
  pilatus300kw: [195, 1475, PILATUS],
  pilatus900k: [619, 1475, PILATUS],
  pilatus900kw: [195, 4439, PILATUS],
  pilatus1m: [1043, 981, PILATUS],
  pilatus2m: [1679, 1475, PILATUS],
  pilatus6m: [2527, 2463, PILATUS],
  pilatus4260k: [530, 513, PILATUS4],
  pilatus4260kw: [255, 1033, PILATUS4],
  pilatus41m: [1080, 1033, PILATUS4],
  pilatus42m: [1630, 1553, PILATUS4],
  pilatus44m: [2180, 2073, PILATUS4],
  eiger500k: [514, 1030, EIGER],
  eiger1m: [1065, 1030, EIGER],
  eiger4m: [2167, 2070, EIGER],
  eiger9m: [3269, 3110, EIGER],
  eiger16m: [4371, 4150, EIGER],
  eiger2250k: [512, 512, EIGER],
  eiger2500k: [512, 1028, EIGER],
  eiger21m: [1062, 1028, EIGER],
  eiger21mw: [512, 2068, EIGER],
  eiger22mw: [512, 4148, EIGER],
  eiger24m: [2162, 2068, EIGER],
  eiger29m: [3262, 3108, EIGER],
  eiger216m: [4362, 4148, EIGER],
  // The single module and "16M cor" have wider pixels at the borders of their chips, which one pixel size cannot tell.
  jungfrau1m: [1064, 1030, EIGER],
  jungfrau4m: [2164, 2068, EIGER],
  jungfrau8m: [3333, 3212, EIGER],
};

const normalName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .replace('cdte', '');

/** A detector by its name in PONI files (`Pilatus2M`, `Eiger2 CdTe 4M`, ...); undefined for one that is not in the table. */
export function knownDetector(name: string): Detector | undefined {
  const key = normalName(name);
  if (!Object.hasOwn(TABLE, key)) return undefined;
  const [height, width, pixel] = TABLE[key]!;
  return { shape: [height, width], pixel };
}
