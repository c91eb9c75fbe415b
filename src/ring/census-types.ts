/** An edge as the census sees it; a plan's edges have all of this. */
export interface CensusEdge {
  readonly number: number;
  readonly kind: 'fifo' | 'ordered';
  readonly cells: number;
  readonly ring: number;
  readonly arrayStride: number;
  /** Ring of what the dead held, its cells, and its number in place words. */
  readonly lane: number;
  readonly laneCells: number;
  readonly laneNumber: number;
  readonly itemBell: number;
  readonly spaceBell: number;
  /** Leaves by source and branch. */
  readonly leaves: readonly (readonly number[])[];
  /** How often a frame may die with a thread that had it from this edge before it is given up. */
  readonly attempts: number;
  /** Its consumers hand on the end of a series, whatever becomes of its frames. */
  readonly handsOn: boolean;
  /** A producer may take references out of it, to drop them. */
  readonly overflow: string;
  readonly consumerThreads: readonly number[];
}

export interface CensusPlan {
  readonly headers: number;
  readonly stride: number;
  readonly slots: number;
  readonly edges: readonly CensusEdge[];
  readonly pools: readonly { readonly ring: number; readonly cells: number; readonly bell: number }[];
  readonly sources: readonly { readonly bell: number }[];
  readonly threads: readonly { readonly line: number }[];
}

export interface CensusOptions {
  /** Outcome of a frame that is given up. */
  readonly lostCode: number;
  /** Codes of the drops of edges out of which producers take references. */
  readonly dropCodes: Readonly<Record<string, number>>;
  /** Told of every reference that goes to the lane of an edge, to be done again, and of how many records it has (1: it is a frame). */
  /** Whether nothing is owed for a reference any more: a sink has delivered it and still sends it. It is never given up. */
  readonly isSettled?: (edge: number, reference: number) => boolean;
  readonly onRedispatch?: (edge: number, records: number, slot: number) => void;
  /** Told of every frame that is given up, once, before it is settled: its slot, and what is chained behind it, can still be read. */
  readonly onLost?: (frame: {
    readonly edge: number;
    readonly slot: number;
    readonly source: number;
    readonly ordinal: number;
    /** The leaves on which it ends. */
    readonly leaves: number;
    readonly attempts: number;
    /** Records of a parcel; 1 for a frame. */
    readonly records: number;
    /** A series ends with it: its frames are given up, its end goes on. */
    readonly ends: boolean;
    /** The thread that died with it last. */
    readonly thread: number;
  }) => void;
}

/** What a census found and did, by kind. */
export interface CensusResult {
  /** References that go to the recovery lane of the edge that the dead had them from. */
  redispatched: number;
  /** Frames that died too often. */
  lost: number;
  /** Outputs of a committed record that were handed over, inputs that were released, drops that were finished. */
  handedOver: number;
  released: number;
  dropped: number;
  /** Committed outputs that an ordered edge does not admit yet: the record stays for the thread's successor. */
  kept: number;
  /** References just claimed, which are given up. */
  undone: number;
  /** References that were on their way into or out of a ring. */
  putBack: number;
  /** Slots that nobody held and that were not free. */
  freed: number;
}
