/** An edge as the census sees it. The edges of a plan have all of this. */
export interface CensusEdge {
  readonly number: number;
  readonly kind: 'fifo' | 'ordered';
  readonly cells: number;
  readonly ring: number;
  readonly arrayStride: number;
  /** The ring of what dead threads held: its address, its number of cells, its number in place words. */
  readonly lane: number;
  readonly laneCells: number;
  readonly laneNumber: number;
  readonly itemBell: number;
  readonly spaceBell: number;
  /** Leaves by source and branch. */
  readonly leaves: readonly (readonly number[])[];
  /** Threads that may die with a frame from this edge before the frame is given up. */
  readonly attempts: number;
  /** Whether its consumers hand on the end of a series, also if its frames are given up. */
  readonly handsOn: boolean;
  /** Its policy: on some edges, producers take references out to drop them. */
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
  /** For each policy by which producers take references out of an edge, the code of the drop. */
  readonly dropCodes: Readonly<Record<string, number>>;
  /** Whether a reference owes nothing any more: a sink delivered it, and its socket still reads it. It is never given up. */
  readonly isSettled?: (edge: number, reference: number) => boolean;
  /** Called for each reference that goes to the lane of an edge to be done again, with its number of records (a frame: 1). */
  readonly onRedispatch?: (edge: number, records: number, slot: number) => void;
  /** Called once for each frame that is given up, before it is settled: its slot and its chain can still be read. */
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
  /** Slots that no thread held and that were not free. */
  freed: number;
}
