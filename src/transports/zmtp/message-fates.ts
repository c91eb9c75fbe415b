/**
 * What became of a message that a peer's queue had taken. `written`: the stream has taken its last byte. `lost`: it was under
 * way on a connection that broke, or waited for one that will not come back. `undelivered`: it was queued when the socket closed.
 */
export type MessageFate = 'written' | 'lost' | 'undelivered';

/** Called once for each message that was sent with a tag. */
export type FateListener = (tag: number, fate: MessageFate) => void;

/** Messages sent to a peer. */
export interface PeerCounts {
  readonly address: string;
  readonly written: number;
  readonly lost: number;
  readonly dropped: number;
}
