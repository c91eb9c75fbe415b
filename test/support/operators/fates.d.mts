export type Fate = 'passed' | 'one' | 'three' | 'filtered';
export const fateOf: (ordinal: number) => Fate;
