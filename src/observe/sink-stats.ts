/** Words of a sink; only its egress thread writes them. */
export const SINK_STATS = { delivered: 0, redelivered: 4, refused: 8, outageMs: 12, bytes: 64 } as const;

/**
 * Words of a sink for each source, where its client takes frames later than the sink accepts them: messages that wait,
 * frames that were lost or not delivered, and of the waiting messages those of the batch that is being written (their
 * frames are still owed). Only the egress thread writes them.
 */
export const LATE = { pending: 0, lost: 4, undelivered: 8, unsettled: 12, bytes: 16 } as const;
