/* partial.pml: parts in shared memory that workers fill and one of them merges. WorkerPartials (start, open, took, keep, discard,
 * parts, fill), PartialBooks (bank, held, loseTorn), the order of WorkCommit.fill, commit and settle, Supervisor.#takeStock.
 * One step for each access to memory that others may read; a death of a worker between any two.
 *
 * Two workers, a part each, of two words, so that a torn part is seen: bit f of both is set while frame f is in it. Stretch s is
 * frames NF*s+1 .. NF*(s+1) and an end; then the source is at rest until the end is settled. What travels is pipeline.pml's: here
 * a set of frames that wait, and the end. A book has two banks {held, stretch, merged, lost}; the record word counts commits.
 *
 * -DNF frames of a stretch  -DNE stretches  -DNCRASH
 * -DFAIL a run may fail with its frame in the part already, once a frame, and is tried again or given up; so may that of an end
 * -DLIMA deaths with which a reference is given up
 * mutants: M_NO_DIRTY   nothing says that a part is being changed   M_DIRTY_LATE  said when it has been changed
 *          M_LATE_LOSS  what was torn is looked for after the frame has gone back, and its worker is replaced
 *          M_LIVE_BANK  the book is written where it counts, before the commit
 *          M_NO_CLEAR   a part is not cleared for another stretch   M_ANY_STRETCH parts of any stretch are merged
 *          M_MERGED_LIVE the parts are void before the commit of the end
 *          M_KEEP_SPOILT a part that a failed run has changed is used
 *          M_END_EARLY  the end is sent before all frames are settled
 *          M_NO_LOSE    who hands on an end that is given up does not count what the parts hold (with LIMA)
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef NF
#define NF 2
#endif
#ifndef NE
#define NE 2
#endif
#ifndef LIMA
#define LIMA 99
#endif
#define N (NF*NE)
#define ISEND(r) ((r) > N)                             /* N+1+s: the end of stretch s, an ordinal of its own */
#define BITOF(f) (1 << ((f)-1))
byte one[2], two[2];                                   /* the parts */
byte held[4], stretch[4], merged[4], lost[4];          /* banks: 2*worker + bank */
byte rec[2], dirty[2];                                 /* record words: 2*commits + committed */
byte ends[2]; bool irec;                               /* the ledger's banks, and which one counts */
byte waits, owed, sent, att[N+NE+1];                    /* frames that wait; frames that are not settled */
byte endWaits, endOwed;
byte at[2]; bool kill[2], dead[2], fin[2];             /* at: what a worker has under way */
byte ncr;
/* what is true */
byte absorbed, resulted, given, partialLost, failedOnce;
#define LIVE(w) (2*(w) + ((rec[w]/2)%2))
#define IDLE(w) (2*(w) + ((rec[w]/2+1)%2))
#define COMMITTED(w) (rec[w]%2)
#define ONES(x) (((x)&1)+(((x)/2)&1)+(((x)/4)&1)+(((x)/8)&1)+(((x)/16)&1)+(((x)/32)&1))
#define OVER (sent == N && !owed && !endOwed && ends[irec] == NE)

/* held(part) of any stretch: 0 where a result has it */
inline heldAny(p, to) {
  to = held[LIVE(p)];
  if :: merged[LIVE(0)] > stretch[LIVE(p)] || merged[LIVE(1)] > stretch[LIVE(p)] -> to = 0 :: else fi
}
#ifdef M_ANY_STRETCH
#define OFSTRETCH(p) 1
#else
#define OFSTRETCH(p) (stretch[LIVE(p)] == s)
#endif

inline mark() { dirty[id] = (rec[id] - (rec[id]%2)) + 1 }

/* open: the part that the frame goes into, cleared if it holds nothing of the stretch. A run that failed begins it anew. */
inline open() {
#ifndef M_NO_DIRTY
#ifndef M_DIRTY_LATE
  mark();
#endif
#endif
#ifndef M_NO_CLEAR
  if
  :: spoilt || held[LIVE(id)] == 0 || stretch[LIVE(id)] != s -> one[id] = 0; two[id] = 0
  :: else
  fi;
#endif
  skip
}
inline take(f) {
  one[id] = one[id] | BITOF(f); two[id] = two[id] | BITOF(f);
#ifdef M_DIRTY_LATE
  mark();
#endif
  skip
}
/* fill: the idle bank, word by word; d: whether the frame is in the part */
inline fill(d) {
  a = merged[LIVE(id)]; b = lost[LIVE(id)]; x = held[LIVE(id)]; y = stretch[LIVE(id)];
  if
  :: !ISEND(at[id]) && (spoilt || d) ->
     heldAny(id, c);
     if
     :: spoilt -> b = b + c; x = 0
     :: !spoilt && y != s -> b = b + c; x = 0
     :: else
     fi;
     x = x + d; y = s
  :: else
  fi;
#ifndef M_NO_LOSE
  if
  :: ISEND(at[id]) && !d -> heldAny(0, c); b = b + c; heldAny(1, c); b = b + c
  :: else
  fi;
#endif
  if :: ISEND(at[id]) -> a = s+1 :: else fi;
#ifdef M_LIVE_BANK
  held[LIVE(id)] = x; stretch[LIVE(id)] = y; merged[LIVE(id)] = a; lost[LIVE(id)] = b;
#endif
  held[IDLE(id)] = x; stretch[IDLE(id)] = y; merged[IDLE(id)] = a; lost[IDLE(id)] = b;
  d_step { a = 0; b = 0; c = 0; x = 0; y = 0 }
}
inline settle(f) {
  if
  :: ISEND(f) -> endOwed = 0
  :: else -> owed = owed & (255 - BITOF(f))
  fi
}

proctype Worker(byte id) {
  byte f, s, a, b, c, x, y; bool spoilt, ok;
start:
  {
    do
    :: OVER -> break
    :: d_step { !at[id] && waits ->
         f = 1; do :: !(waits & BITOF(f)) -> f++ :: else -> break od;
         waits = waits & (255 - BITOF(f)); at[id] = f }
       s = irec; s = ends[s];                          /* start: which stretch */
       spoilt = 0; ok = 1;
       open(); take(f);
#ifdef FAIL
       if
       :: !(failedOnce & BITOF(f)) -> failedOnce = failedOnce | BITOF(f);
#ifndef M_KEEP_SPOILT
          spoilt = 1;
#endif
          if
          :: open(); take(f)
          :: ok = 0
          fi
       :: 1
       fi;
#endif
       fill(ok);
       d_step { rec[id] = rec[id] + 3; if :: ok -> absorbed = absorbed | BITOF(f) :: else -> given = given | BITOF(f) fi }   /* publishes: the commit */
       settle(f);
       d_step { rec[id]--; at[id] = 0; f = 0; s = 0; spoilt = 0; ok = 0 }
    :: d_step { !at[id] && endWaits -> at[id] = endWaits; endWaits = 0 };
       s = irec; s = ends[s] - 1;
       x = 0; y = 0;                                   /* x: the result */
#ifdef M_MERGED_LIVE
       merged[LIVE(id)] = s+1;
#endif
       c = 0;
       do
       :: c < 2 && held[LIVE(c)] && OFSTRETCH(c) ->
          a = one[c]; b = two[c];
          d_step { assert(a == b && ONES(a) == held[LIVE(c)]); assert(!(x & a)); x = x | a; a = 0; b = 0; c++ }
       :: c < 2 && !(held[LIVE(c)] && OFSTRETCH(c)) -> c++
       :: c == 2 -> break
       od;
       f = x; ok = 1;
       if :: att[at[id]] >= LIMA -> ok = 0; f = 0 :: else fi;
#ifdef FAIL
       if :: ok = 0; f = 0 :: 1 fi;
#endif
       fill(ok);
       d_step { assert(!(resulted & f)); resulted = resulted | f; rec[id] = rec[id] + 3 };   /* publishes: the result, and that the parts are void */
       settle(at[id]);
       d_step { rec[id]--; at[id] = 0; f = 0; s = 0; ok = 0 }
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { f = 0; s = 0; a = 0; b = 0; c = 0; x = 0; y = 0; spoilt = 0; ok = 0; dead[id] = 1 }; !dead[id]; goto start
  :: else
  fi
}

#define LOSE(w) held[LIVE(w)] = 0
inline loseTorn(w) {
  if
  :: dirty[w] == rec[w] - (rec[w]%2) + 1 -> dirty[w] = 0; heldAny(w, n); partialLost = partialLost + n; LOSE(w); n = 0
  :: else
  fi
}
proctype Ingress() {
  byte e, n;
  do
  :: sent < N && sent < NF*(e+1) -> d_step { sent++; owed = owed | BITOF(sent); waits = waits | BITOF(sent); ends[1-irec] = ends[irec]; irec = 1-irec }
#ifdef M_END_EARLY
  :: e < NE && sent == NF*(e+1) && !waits && !endOwed ->
#else
  :: e < NE && sent == NF*(e+1) && !owed && !endOwed ->
#endif
     ends[1-irec] = ends[irec] + 1;
     d_step { irec = 1-irec; e++; endOwed = N+e };   /* publishes: the end is committed */
     endWaits = endOwed;
     !endOwed
  :: e == NE -> break
  od
}

proctype Census() {
  byte t, n;
  do
  :: fin[0] && fin[1] -> break
  :: d_step { !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
  :: (dead[0] || dead[1]) ->
     if :: dead[0] -> t = 0 :: dead[1] -> t = 1 fi;
     d_step {
#ifndef M_LATE_LOSS
       loseTorn(t);
#endif
       if
       :: COMMITTED(t) -> if :: ISEND(at[t]) && endOwed == at[t] -> endOwed = 0 :: at[t] && !ISEND(at[t]) -> owed = owed & (255 - BITOF(at[t])) :: else fi; rec[t]--
       :: !COMMITTED(t) && at[t] ->
          att[at[t]]++;
          if
          :: att[at[t]] < LIMA -> if :: ISEND(at[t]) -> endWaits = at[t] :: else -> waits = waits | BITOF(at[t]) fi
          :: else ->
             if
             :: ISEND(at[t]) -> endWaits = at[t]        /* its operators are given up, the end goes on */
             :: else -> given = given | BITOF(at[t]); owed = owed & (255 - BITOF(at[t]))
             fi
          fi
       :: else
       fi;
       at[t] = 0
     };
#ifdef M_LATE_LOSS
     d_step { kill[t] = 0; dead[t] = 0 };
     d_step { loseTorn(t) };
#else
     d_step { kill[t] = 0; dead[t] = 0 };
#endif
     t = 0
  od;
  skip;
  d_step {
    /* every frame: in one result, or counted as lost with its part, or given up by itself */
    assert((absorbed | given) == (1 << N) - 1 && !(absorbed & given) && !(resulted & given));
    assert(!(resulted & (255 - absorbed)));
    heldAny(0, n); t = n; heldAny(1, n); t = t + n;
    assert(t == 0);
    assert(ONES(resulted) + partialLost + lost[LIVE(0)] + lost[LIVE(1)] == ONES(absorbed))
  }
}
init { atomic { run Ingress(); run Worker(0); run Worker(1); run Census() } }
