import { broken, type Command, decodeMetadata, encodeCommand } from './command.js';
import type { Mechanism, MechanismStep } from './mechanism.js';

/** NULL of ZMTP 3.1: each side sends READY with its metadata, and that is all. */
export class NullMechanism implements Mechanism {
  readonly name = 'NULL';
  readonly asServer = false;

  constructor(private readonly metadata: Buffer) {}

  start(): Buffer {
    return encodeCommand('READY', this.metadata);
  }

  receive(command: Command): MechanismStep {
    if (command.name !== 'READY') throw broken(`${JSON.stringify(command.name)} where READY was due`);
    return { metadata: decodeMetadata(command.data) };
  }
}
