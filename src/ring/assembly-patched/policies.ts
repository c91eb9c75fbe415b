// Kinds and policies of an edge, as in ../ring-layout.ts.
export const FIFO: u32 = 0;
export const BLOCK: u32 = 0, DROP_NEWEST: u32 = 1, DROP_OLDEST: u32 = 2, LATEST: u32 = 3, SAMPLE: u32 = 4;
