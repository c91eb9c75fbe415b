/* pipeline.pml: what travels, and what is left of it when threads die. take, takeN, claim, claimN, fanClaimed, fanHeld, release,
 * commit, resume, finish, give, dropCounted, dropBit, the gate, and Census.run. A ring operation on a cell is one step here
 * (ring.pml has it apart); every other access to memory is one. Crashes between any two steps.
 *
 * Threads 0, 1: workers, edge 1 -> edge 2. Threads 2, 3: consumers of edge 2. Edges 3, 4: the lanes of 1 and 2. All FIFO.
 * Slots 1..NS; frames 1..NF wait on edge 1, the first one in slot NF. A reference is slot*2+branch; place: 16*(holder+1)+edge, holder 0: ON the edge.
 * A worker makes a new slot of a frame, or (PASS) hands its input on; either goes out by NB branches.
 *
 * -DNF -DNS -DNB -DNCRASH -DONEW -DONEC  -DLIM limit of edge 2  -DBATCH references that a consumer takes at once
 * -DPASS both ways by choice, -DPASS_ONLY pass-through always  -DCLAIM2 two slots claimed at once, the second given back
 * -DPOLICY 0 block, 1 drop-newest, 2 drop-oldest (edge 2)  -DLIMA deaths with which a frame is given up on edge 1
 * -DORDER asserts that nobody takes a frame while an older one waits on edge 1 or its lane
 * -DRISING asserts that a consumer's frames rise (one branch, one worker, one consumer)
 * -DTWOSRC the last frame is another source's
 * -DENDS the last frame ends the series of another source: no policy drops it (with POLICY, TWOSRC)
 * mutants: M_DEKKER     gate before busy              M_LATE_COMMIT  record after the first push
 *          M_LATE_ON    place word after the push     M_EARLY_HELD   place word before the pop
 *          M_NO_RESTORE place word ON after a full ring
 *          M_REDO_BLIND census pushes outputs whatever their place says
 *          M_TORN_BITS  bits cleared by load and store though others hold the slot
 *          M_FREE_FIRST slot freed before its bit is cleared
 *          M_BITS_FIRST fan-out: bits before place words
 *          M_EARLY_BIT  claim: bit before the place word
 *          M_NO_DROPREC a drop without a record
 *          M_STALE_FREE census decides by the free slots that it read before it finished records
 *          M_TAIL_ALL   census puts what is ON edge 1 and in no cell to the tail always (with ORDER)
 *          M_PUT_BACK   what is ON a dropping edge and in no cell goes back though no record names it (with TWOSRC)
 *          M_UNNAMED    what is ON edge 1 and in no cell goes back to its tail though no record names it (with ORDER)
 *          M_NO_LANE    what the dead held goes to the tail (with ORDER)
 *          M_NO_SORT    lanes as they come (with ORDER)
 *          M_END_WAITS  an end waits on the edge as a frame does (with ENDS)
 *          M_END_BACK   an end that is ON the lane and in no cell is dropped (with ENDS)
 *          M_DROP_BACK  what a dead producer was about to drop comes back by the lane (with RISING)
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef NS
#define NS 3
#endif
#ifndef NF
#define NF 2
#endif
#ifndef NB
#define NB 2
#endif
#ifndef LIM
#define LIM 2
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef POLICY
#define POLICY 0
#endif
#ifndef LIMA
#define LIMA 99
#endif
#define NR (2*(NS+1))
#define ON(e) (e)
#define HELD(t,e) (16*((t)+1)+(e))
#define HOLDER(p) ((p)/16)
#define EDGE(p) ((p)%16)
#define S(r) ((r)/2)
#define BIT(r) (1<<((r)%2))
#define LIVE(r) (bits[S(r)] & BIT(r))
#define MINE(r,t) (LIVE(r) && HOLDER(place[r]) == (t)+1)
#define ALLBITS (NB == 2 -> 3 : 1)

byte bits[NS+1], place[NR], pay0[NS+1], pay1[NS+1], att[NR];
bool infree[NS+1];
byte e1[NF], n1, l1[NF], nl1, e2[NR], n2, l2[NR], nl2;
byte rec[4], rin[2], rout[2], cin[2*BATCH], drec[2];   /* rin: input or 0; rout: first output or 0; cin: inputs of the consumers */
bool busy[4], kill[4], dead[4], fin[4], gate;
byte ncr;
/* what is true */
byte done[NF+1], del[2*(NF+1)], ndel, last[2];
#ifdef TWOSRC
#define SOURCE(f) ((f) == NF)
#else
#define SOURCE(f) 0
#endif
#define ALL (ndel == NB*NF)
#define F(r) (pay0[S(r)])
#ifdef ENDS
#define ISEND(r) (F(r) == NF)
#else
#define ISEND(r) false
#endif
#define DROPPED(r) assert(!ISEND(r)); ENDED(r)
#define ENDED(r) del[F(r)*2 + (r)%2]++; ndel++; assert(del[F(r)*2 + (r)%2] == 1)

#define SHIFT1 n1--; d_i = 0; do :: d_i < n1 -> e1[d_i] = e1[d_i+1]; d_i++ :: else -> break od; e1[n1] = 0; d_i = 0
#define SHIFTL1 nl1--; d_i = 0; do :: d_i < nl1 -> l1[d_i] = l1[d_i+1]; d_i++ :: else -> break od; l1[nl1] = 0; d_i = 0
#define SHIFT2 n2--; d_i = 0; do :: d_i < n2 -> e2[d_i] = e2[d_i+1]; d_i++ :: else -> break od; e2[n2] = 0; d_i = 0
#define SHIFTL2 nl2--; d_i = 0; do :: d_i < nl2 -> l2[d_i] = l2[d_i+1]; d_i++ :: else -> break od; l2[nl2] = 0; d_i = 0

inline enter(id) {
  do
#ifdef M_DEKKER
  :: !gate -> busy[id] = 1; break
#else
  :: busy[id] = 1; if :: gate -> busy[id] = 0; !gate :: else -> break fi
#endif
  od;
  skip
}

inline dropBit(r) {
#ifdef M_FREE_FIRST
  if :: bits[S(r)] == BIT(r) -> d_step { assert(!infree[S(r)]); infree[S(r)] = 1 } :: else fi;
  d_step { assert(LIVE(r)); bits[S(r)] = bits[S(r)] & (3 - BIT(r)) }
#else
  v = (bits[S(r)] == BIT(r));
  if
  :: v -> bits[S(r)] = 0
  :: else ->
#ifdef M_TORN_BITS
     w = bits[S(r)]; bits[S(r)] = w & (3 - BIT(r)); v = (w == BIT(r)); w = 0
#else
     d_step { assert(LIVE(r)); v = (bits[S(r)] == BIT(r)); bits[S(r)] = bits[S(r)] & (3 - BIT(r)) }
#endif
  fi;
  if :: v -> d_step { assert(!infree[S(r)] && !bits[S(r)]); infree[S(r)] = 1; v = 0 } :: else fi
#endif
}

inline dropCounted(id, r) {
#ifdef M_NO_DROPREC
  d_step { DROPPED(r) };
#else
  d_step { drec[id] = r; DROPPED(r) };               /* publishes: the drop */
#endif
  dropBit(r);
  drec[id] = 0
}

inline push2(id, r) {                              /* give() to edge 2 */
  d = place[r];
  do
#if POLICY != 0 && defined(ENDS) && !defined(M_END_WAITS)
  :: ISEND(r) -> place[r] = ON(4); d_step { att[r] = 0; l2[nl2] = r; nl2++; d = 0 }; break
  :: !ISEND(r) ->
#else
  ::
#endif
#ifdef M_LATE_ON
     skip;
#else
     place[r] = ON(2);
#endif
     d_step { if :: n2 < LIM -> e2[n2] = r; n2++; v = 1; att[r] = 0 :: else -> v = 0 fi }
     if
     :: v == 1 ->
#ifdef M_LATE_ON
        place[r] = ON(2);
#endif
        d_step { v = 0; d = 0 }; break
     :: else ->
#ifndef M_NO_RESTORE
        place[r] = d;
#endif
#if POLICY == 1
        dropCounted(id, r); d = 0; break
#endif
#if POLICY == 2
        d_step { y = 0; if :: n2 > 0 -> y = e2[0]; SHIFT2 :: else fi };
        if
        :: y -> place[y] = HELD(id, 2); dropCounted(id, y); y = 0
        :: else
        fi
#endif
#if POLICY == 0
        busy[id] = 0; n2 < LIM; enter(id)
#endif
     fi
  od
}

#ifdef PASS_ONLY
#define READY 1
#else
#define READY o
#endif
proctype Worker(byte id) {
  byte x, o, f, v, w, y, d, d_i; bool pass;
start:
  {
    do
    :: ALL -> break
#ifndef PASS_ONLY
    :: !ALL && !o ->                               /* a slot first */
       enter(id);
       d_step { o = 1; do :: o <= NS && !infree[o] -> o++ :: else -> break od; if :: o <= NS -> infree[o] = 0 :: else -> o = 0 fi }
#ifdef CLAIM2
       d_step { y = 1; do :: y <= NS && !infree[y] -> y++ :: else -> break od; if :: y <= NS && o -> infree[y] = 0 :: else -> y = 0 fi }
#endif
       if
       :: o ->
#ifdef M_EARLY_BIT
          bits[o] = 1; place[o*2] = HELD(id, 0);
#else
          att[o*2] = 0; place[o*2] = HELD(id, 0); d_step { assert(!bits[o]); bits[o] = 1 };
#endif
#ifdef CLAIM2
          if
          :: y -> place[y*2] = HELD(id, 0); d_step { assert(!bits[y]); bits[y] = 1 }; dropBit(y*2); y = 0
          :: else
          fi;
#endif
          busy[id] = 0
       :: else -> busy[id] = 0; (infree[1] || infree[2] || infree[NS])
       fi
#endif
    :: !ALL && READY && (n1 || nl1) ->
       enter(id);
#ifdef M_EARLY_HELD
       if :: nl1 -> x = l1[0]; place[x] = HELD(id, 3) :: else fi;
#endif
       d_step { x = 0; if :: nl1 -> x = l1[0]; SHIFTL1 :: else fi };
       if
       :: x -> place[x] = HELD(id, 3)
       :: else ->
#ifdef M_EARLY_HELD
          if :: n1 -> x = e1[0]; place[x] = HELD(id, 1) :: else -> x = 0 fi;
          d_step { if :: n1 && x == e1[0] -> SHIFT1 :: else -> x = 0 fi }
#else
          d_step { if :: n1 -> x = e1[0]; SHIFT1 :: else fi };
          if :: x -> place[x] = HELD(id, 1) :: else fi
#endif
       fi;
#ifdef ORDER
       d_step { if :: x -> d_i = 0; do :: d_i < n1 -> assert(F(e1[d_i]) > F(x)); d_i++ :: else -> break od;
                           d_i = 0; do :: d_i < nl1 -> assert(F(l1[d_i]) > F(x)); d_i++ :: else -> break od; d_i = 0 :: else fi };
#endif
       busy[id] = 0;
       if
       :: x ->
          d_step { f = F(x); assert(f && pay1[S(x)] == f) };
#ifdef PASS_ONLY
          pass = 1;
#else
#ifdef PASS
          if :: pass = 1 :: pass = 0 fi;
#endif
#endif
          if
          :: !pass ->
             pay0[o] = f; pay1[o] = f;             /* the operator writes its output */
             enter(id);
#if NB == 2
#ifdef M_BITS_FIRST
             bits[o] = 3; place[o*2+1] = HELD(id, 0);
#else
             place[o*2+1] = HELD(id, 0); bits[o] = 3;
#endif
#endif
             busy[id] = 0;
             enter(id);
             d_step { rin[id] = x; rout[id] = o*2 }
          :: else ->
#if NB == 2
             enter(id);
#ifdef M_BITS_FIRST
             d_step { bits[S(x)] = bits[S(x)] | 2 }; place[x+1] = HELD(id, 0);
#else
             place[x+1] = HELD(id, 0); d_step { bits[S(x)] = bits[S(x)] | 2 };
#endif
             busy[id] = 0;
#endif
             enter(id);
             d_step { rin[id] = 0; rout[id] = x }
          fi;
#ifdef M_LATE_COMMIT
          push2(id, rout[id]); skip;
          d_step { rec[id] = 1; done[f]++; assert(done[f] == 1) };
#else
          d_step { rec[id] = 1; done[f]++; assert(done[f] == 1) };   /* publishes: the commit */
          push2(id, rout[id]);
#endif
#if NB == 2
          push2(id, rout[id]+1);
#endif
          if :: rin[id] -> dropBit(rin[id]); o = 0 :: else fi;
          rec[id] = 0;
          d_step { busy[id] = 0; x = 0; f = 0; v = 0; pass = 0; rin[id] = 0; rout[id] = 0 }
       :: else
       fi
    od;
    if :: o -> enter(id); dropBit(o*2); o = 0; busy[id] = 0 :: else fi;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { x = 0; o = 0; f = 0; v = 0; w = 0; y = 0; d = 0; d_i = 0; pass = 0; dead[id] = 1 }; !dead[id]; goto start
  :: else
  fi
}

#define IN(k) cin[(id-2)*BATCH+(k)]
/* takeBatch: the cells first, then the place words */
#define POP_BATCH(e, n_, SHIFT_) \
  w = k; \
  do \
  :: k < BATCH -> \
     d_step { x = 0; if :: n_ -> x = e[0]; SHIFT_ :: else fi; if :: x -> IN(k) = x; k++ :: else fi }; \
     if :: !x -> break :: else fi \
  :: else -> break \
  od
#define HOLD_BATCH(e) do :: w < k -> d_step { place[IN(w)] = HELD(id, e); w++ } :: else -> break od
proctype Consumer(byte id) {
  byte x, k, i, v, w, d_i;
start:
  {
    do
    :: ALL -> break
    :: (n2 || nl2) && !ALL ->
       enter(id);
       POP_BATCH(l2, nl2, SHIFTL2);
       HOLD_BATCH(4);
#ifdef M_EARLY_HELD
       if :: k < BATCH && n2 -> x = e2[0]; place[x] = HELD(id, 2); d_step { if :: n2 && e2[0] == x -> SHIFT2; IN(k) = x; k++ :: else fi } :: else fi;
#else
       POP_BATCH(e2, n2, SHIFT2);
       HOLD_BATCH(2);
#endif
       busy[id] = 0;
       d_step { w = 0; x = 0; i = 0; do :: i < k -> assert(F(IN(i)) && pay1[S(IN(i))] == F(IN(i)));
                i++ :: else -> break od; i = 0 };
       if
       :: k ->
          enter(id);
          d_step { rec[id] = k; i = 0; do :: i < k -> ENDED(IN(i));
#ifdef RISING
                   assert(F(IN(i)) > last[SOURCE(F(IN(i)))]); last[SOURCE(F(IN(i)))] = F(IN(i));
#endif
                   i++ :: else -> break od; i = 0 };   /* publishes: the commit */
          do :: i < k -> dropBit(IN(i)); i++ :: else -> break od;
          rec[id] = 0;
          d_step { busy[id] = 0; i = 0; do :: i < k -> IN(i) = 0; i++ :: else -> break od; i = 0; k = 0 }
       :: else
       fi
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { x = 0; k = 0; i = 0; v = 0; w = 0; d_i = 0; dead[id] = 1;
                          if :: !rec[id] -> do :: i < BATCH -> IN(i) = 0; i++ :: else -> break od; i = 0 :: else fi }; !dead[id]; goto start
  :: else
  fi
}

proctype Killer() {
end:
  do
  :: d_step { !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
  :: d_step { !kill[2] && !fin[2] && ncr < NCRASH -> kill[2] = 1; ncr++ }
  :: d_step { !kill[3] && !fin[3] && ncr < NCRASH -> kill[3] = 1; ncr++ }
  od
}

#define CLEAR(r) bits[S(r)] = bits[S(r)] & (3 - BIT(r))
#define FREED(s) if :: bits[s] == 0 -> assert(!infree[s]); infree[s] = 1 :: else fi
/* The lanes take what is to go there in rising order. */
inline lane1(r_) {
  j = nl1;
#ifndef M_NO_SORT
  do :: j > 0 && F(l1[j-1]) > F(r_) -> l1[j] = l1[j-1]; j-- :: else -> break od;
#endif
  l1[j] = r_; nl1++; place[r_] = ON(3); j = 0
}
inline lane2(r_) {
  j = nl2; do :: j > 0 && F(l2[j-1]) > F(r_) -> l2[j] = l2[j-1]; j-- :: else -> break od; l2[j] = r_; nl2++; place[r_] = ON(4); j = 0
}
inline giveBack(t_, r_) {                          /* a committed output that is still to be handed over */
#if POLICY != 0 && defined(ENDS) && !defined(M_END_WAITS)
  if
  :: ISEND(r_) -> l2[nl2] = r_; nl2++; place[r_] = ON(4); on[r_] = 4
  :: else ->
#endif
#if POLICY == 1
  if :: n2 >= LIM -> DROPPED(r_); CLEAR(r_); FREED(S(r_)) :: else -> e2[n2] = r_; n2++; place[r_] = ON(2); on[r_] = 2 fi
#endif
#if POLICY == 2
  do :: n2 >= LIM -> j = e2[0]; SHIFT2; on[j] = 0; DROPPED(j); CLEAR(j); FREED(S(j)); j = 0 :: else -> break od;
  e2[n2] = r_; n2++; place[r_] = ON(2); on[r_] = 2
#endif
#if POLICY == 0
  e2[n2] = r_; n2++; place[r_] = ON(2); on[r_] = 2
#endif
#if POLICY != 0 && defined(ENDS) && !defined(M_END_WAITS)
  fi
#endif
}
#ifdef M_REDO_BLIND
#define STILL(r,t) LIVE(r)
#else
#define STILL(r,t) (MINE(r,t) && EDGE(place[r]) != 2)
#endif

#define WAITS(r,e) (on[r] == (e) || on[r] == (e)+2 || to[r] == (e)+2)

proctype Supervisor() {
  byte r, s, i, j, t, d_i, top; bool D[4], fr[NS+1]; byte on[NR], to[NR];
  do
  :: fin[0] && fin[1] && fin[2] && fin[3] -> break
  :: (dead[0] || dead[1] || dead[2] || dead[3]) ->
     gate = 1;
     (dead[0] || !busy[0]); (dead[1] || !busy[1]); (dead[2] || !busy[2]); (dead[3] || !busy[3]);
     d_step {
       i = 0; do :: i < 4 -> D[i] = dead[i]; i++ :: else -> break od;
       i = 0; do :: i < n1 -> assert(!on[e1[i]]); on[e1[i]] = 1; i++ :: else -> break od;
       i = 0; do :: i < nl1 -> assert(!on[l1[i]]); on[l1[i]] = 3; i++ :: else -> break od;
       i = 0; do :: i < n2 -> assert(!on[e2[i]]); on[e2[i]] = 2; i++ :: else -> break od;
       i = 0; do :: i < nl2 -> assert(!on[l2[i]]); on[l2[i]] = 4; i++ :: else -> break od;
       s = 1; do :: s <= NS -> fr[s] = infree[s]; s++ :: else -> break od;
       t = 0;                                      /* records */
       do
       :: t < 4 ->
          if
          :: D[t] && t < 2 ->
             if :: drec[t%2] -> if :: MINE(drec[t%2], t) -> CLEAR(drec[t%2]) :: else fi; drec[t%2] = 0 :: else fi;
             if
             :: rec[t] ->
                i = rout[t%2];
                if :: STILL(i, t) -> giveBack(t, i) :: else -> to[i] = 9 fi;           /* 9: named by a record */
#if NB == 2
                i = rout[t%2]+1;
                if :: STILL(i, t) -> giveBack(t, i) :: else -> to[i] = 9 fi;           /* 9: named by a record */
#endif
                i = rin[t%2];
                if :: i && MINE(i, t) -> CLEAR(i) :: else fi
             :: else
             fi; rin[t%2] = 0; rout[t%2] = 0
          :: D[t] && t >= 2 ->
             i = 0;
             do :: i < rec[t] -> r = cin[(t-2)*BATCH+i]; if :: MINE(r, t) -> CLEAR(r) :: else fi; i++ :: else -> break od;
             i = 0; do :: i < BATCH -> cin[(t-2)*BATCH+i] = 0; i++ :: else -> break od; r = 0
          :: else
          fi;
          if :: D[t] -> rec[t] = 0; busy[t] = 0 :: else fi; i = 0; t++
       :: else -> break
       od;
       r = 2;                                      /* what the dead held */
       do
       :: r < NR ->
          if
          :: LIVE(r) && HOLDER(place[r]) ->
             assert(!on[r]);
             t = HOLDER(place[r])-1; i = EDGE(place[r]);
             if
             :: D[t] && i == 0 -> CLEAR(r)
#if POLICY == 2 && !defined(M_DROP_BACK)
             :: D[t] && i == 2 && t < 2 -> DROPPED(r); CLEAR(r)      /* taken out to make room */
             :: D[t] && (i == 2 || i == 4) && t >= 2 -> to[r] = 4
#else
             :: D[t] && (i == 2 || i == 4) -> to[r] = 4
#endif
             :: D[t] && (i == 1 || i == 3) ->
                att[r]++;
                if
                :: att[r] < LIMA ->
#ifdef M_NO_LANE
                   place[r] = ON(1); e1[n1] = r; n1++; on[r] = 1
#else
                   to[r] = 3
#endif
                :: else -> done[F(r)]++; assert(done[F(r)] == 1); ndel = ndel + NB; CLEAR(r)
                fi
             :: !D[t]
             fi; t = 0; i = 0
          :: else
          fi; r++
       :: else -> break
       od;
       r = 2;                                      /* what was on its way */
       do
       :: r < NR ->
          if
          :: LIVE(r) && HOLDER(place[r]) == 0 && on[r] != place[r] ->
             assert(!on[r] && place[r] >= 1 && place[r] <= 4);
             i = place[r];
             top = 0; j = 2;                       /* the newest of its source that waits there or in the lane */
             do :: j < NR -> if :: WAITS(j, i) && SOURCE(F(j)) == SOURCE(F(r)) && F(j) > top -> top = F(j) :: else fi; j++ :: else -> break od;
#ifdef M_TAIL_ALL
             top = 0;
#endif
             if
#if POLICY == 2 && !defined(M_DROP_BACK)
#ifdef M_PUT_BACK
             :: i == 2 && F(r) > top -> e2[n2] = r; n2++; on[r] = 2
             :: (i == 2 && F(r) <= top) || i == 4 -> ENDED(r); CLEAR(r)
#else
             :: i == 2 && F(r) > top && to[r] == 9 -> e2[n2] = r; n2++; on[r] = 2
#ifdef M_END_BACK
             :: (i == 2 && (F(r) <= top || to[r] != 9)) || i == 4 -> DROPPED(r); CLEAR(r)
#else
             :: ((i == 2 && (F(r) <= top || to[r] != 9)) || i == 4) && !ISEND(r) -> DROPPED(r); CLEAR(r)
             :: ISEND(r) && (i == 4 || F(r) <= top || to[r] != 9) && (i == 2 || i == 4) -> to[r] = 4
#endif
#endif
#else
             :: i == 2 && F(r) > top && to[r] == 9 -> e2[n2] = r; n2++; on[r] = 2
             :: (i == 2 && (F(r) <= top || to[r] != 9)) || i == 4 -> to[r] = 4
#endif
#ifdef M_UNNAMED
             :: i == 1 && F(r) > top -> e1[n1] = r; n1++; on[r] = 1
             :: (i == 1 && F(r) <= top) || i == 3 -> to[r] = 3
#else
             :: i == 1 || i == 3 -> to[r] = 3      /* no record names it: the ingress does not die */
#endif
             fi; j = 0; top = 0; i = 0
          :: else
          fi; r++
       :: else -> break
       od;
       s = 1;                                      /* slots */
       do
       :: s <= NS ->
#ifndef M_STALE_FREE
          fr[s] = infree[s];
#endif
          assert(!(bits[s] && fr[s]));
          if :: bits[s] == 0 && !fr[s] -> assert(!infree[s]); infree[s] = 1 :: else fi; s++
       :: else -> break
       od;
       r = 2;                                      /* lanes */
       do :: r < NR -> if :: to[r] == 3 -> lane1(r) :: to[r] == 4 -> lane2(r) :: else fi; r++ :: else -> break od;
       /* afterwards every reference is where its place says, and nobody holds anything in the name of the dead */
       r = 0; do :: r < NR -> on[r] = 0; to[r] = 0; r++ :: else -> break od;
       i = 0; do :: i < n1 -> assert(place[e1[i]] == ON(1) && LIVE(e1[i])); on[e1[i]]++; i++ :: else -> break od;
       i = 0; do :: i < nl1 -> assert(place[l1[i]] == ON(3) && LIVE(l1[i])); on[l1[i]]++; i++ :: else -> break od;
       i = 0; do :: i < n2 -> assert(place[e2[i]] == ON(2) && LIVE(e2[i])); on[e2[i]]++; i++ :: else -> break od;
       i = 0; do :: i < nl2 -> assert(place[l2[i]] == ON(4) && LIVE(l2[i])); on[l2[i]]++; i++ :: else -> break od;
       r = 2;
       do
       :: r < NR ->
          assert(!LIVE(r) || HOLDER(place[r]) || on[r] == 1);
          assert(!(LIVE(r) && HOLDER(place[r])) || (on[r] == 0 && !D[HOLDER(place[r])-1])); r++
       :: else -> break
       od;
       r = 0; do :: r < NR -> on[r] = 0; r++ :: else -> break od;
       s = 0; do :: s <= NS -> fr[s] = 0; s++ :: else -> break od;
       s = 0; i = 0; j = 0; t = 0; r = 0; d_i = 0; top = 0
     };
     gate = 0;
     d_step { i = 0; do :: i < 4 -> if :: D[i] -> kill[i] = 0; dead[i] = 0; D[i] = 0 :: else fi; i++ :: else -> break od; i = 0 }
  od;
  skip;
  d_step {                                         /* at rest */
    assert(n1 == 0 && nl1 == 0 && n2 == 0 && nl2 == 0);
    s = 1; do :: s <= NS -> assert(bits[s] == 0 && infree[s]); s++ :: else -> break od;
    s = 1; do :: s <= NF -> assert(done[s] == 1); s++ :: else -> break od
  }
}

init {
  byte i;
  atomic {
    i = 1;
    do :: i <= NS ->
          if :: i <= NF -> bits[i] = 1; place[i*2] = ON(1); pay0[i] = NF+1-i; pay1[i] = NF+1-i; e1[NF-i] = i*2; n1++
             :: else -> infree[i] = 1 fi; i++
       :: else -> break od;
    i = 0;
    run Worker(0); run Consumer(2);
#ifdef ONEW
    fin[1] = 1;
#else
    run Worker(1);
#endif
#ifdef ONEC
    fin[3] = 1;
#else
    run Consumer(3);
#endif
    run Killer(); run Supervisor()
  }
}
