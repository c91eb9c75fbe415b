/**
 * The socket types of ZMTP, their numbers in the greeting of ZMTP 2.0, and the compatible pairs (ZMTP 3.1, "Socket type
 * property"; ZMTP 2.0, "socket-type").
 */
export type SocketType = 'PAIR' | 'PUB' | 'SUB' | 'REQ' | 'REP' | 'DEALER' | 'ROUTER' | 'PULL' | 'PUSH' | 'XPUB' | 'XSUB';

/** In the order of the numbers of ZMTP 2.0. */
const NUMBERED: readonly SocketType[] = ['PAIR', 'PUB', 'SUB', 'REQ', 'REP', 'DEALER', 'ROUTER', 'PULL', 'PUSH', 'XPUB', 'XSUB'];

const PARTNERS: Readonly<Record<SocketType, readonly SocketType[]>> = {
  PAIR: ['PAIR'],
  PUB: ['SUB', 'XSUB'],
  SUB: ['PUB', 'XPUB'],
  REQ: ['REP', 'ROUTER'],
  REP: ['REQ', 'DEALER'],
  DEALER: ['REP', 'DEALER', 'ROUTER'],
  ROUTER: ['REQ', 'DEALER', 'ROUTER'],
  PULL: ['PUSH'],
  PUSH: ['PULL'],
  XPUB: ['SUB', 'XSUB'],
  XSUB: ['PUB', 'XPUB'],
};

export function socketTypeNumber(type: SocketType): number {
  return NUMBERED.indexOf(type);
}

/** Undefined for a number that no type has. */
export function socketTypeOfNumber(number: number): SocketType | undefined {
  return NUMBERED[number];
}

export function mayPair(own: SocketType, theirs: string): boolean {
  return (PARTNERS[own] as readonly string[]).includes(theirs);
}
