/** Words of a sink, each written by its egress thread only. */
export const SINK_STATS = { delivered: 0, redelivered: 4, refused: 8, outageMs: 12, bytes: 64 } as const;
