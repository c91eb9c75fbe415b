import type { Command, Metadata } from './command.js';

/** The answer of a mechanism to a command. */
export interface MechanismStep {
  /** Frames to send at once. */
  readonly reply?: Buffer;
  /** Of the peer; its presence ends the handshake. */
  readonly metadata?: Metadata;
}

/** The security handshake of one connection, between the greeting and the first message. */
export interface Mechanism {
  readonly name: string;
  readonly asServer: boolean;
  /** Sent right after the greeting. */
  start(): Buffer | undefined;
  /** @throws ERR_PEER_PROTOCOL for a command out of turn, ERR_PEER_REFUSED for wrong credentials */
  receive(command: Command): MechanismStep;
}
