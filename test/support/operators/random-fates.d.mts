export type Fate = 'pass' | 'three' | 'filter' | 'allocate' | 'throwOnce' | 'throw' | 'exit' | 'loop' | 'copy';
export type Weights = Readonly<Partial<Record<Fate, number>>>;
export const FATES: readonly Fate[];
export function fateOf(number: number, salt: number, weights: Weights): Fate;
