/* ordered.pml: an ordered edge and its settlement table. putOrdered, passCell, settledBelow, takeOrdered, takeOrderedLatest,
 * forceOrdered, passHoles, give with every policy, finish and resume, settle, sweep, and the census with kept records and lanes.
 * A crash of a worker or consumer between any two steps. The gate is pipeline.pml's: the census is one step, taken when
 * somebody is dead and nobody alive is busy. A FIFO operation is one step, place word apart.
 *
 * Thread 4: ingress (no crashes), opens ordinals 0..N-1, pushes them on edge 1, sweeps. 0, 1: workers; 2, 3: consumers of the array.
 * Edges: 1 FIFO, 2 its lane, 3 the array, 4 its lane. Input n is reference n+1, its output N+n+1; PASS hands the input itself on.
 * Array: W cells {pos, ref}, {n, 0} -> {n, ref} -> {n+W, 0}; next is a hint.
 *
 * -DN ordinals  -DW window  -DSE entries  -DNCRASH  -DONEW  -DTWOC two consumers  -DBATCH taken at once by a consumer
 * -DPOLICY of the array: 0 block, 1 drop-newest, 2 drop-oldest, 3 latest  -DLIMA deaths with which a frame is given up on edge 1
 * -DFILTER -DPASS -DPASS_ONLY what a worker may do  -DLEAVES 2: outputs also go by a leaf that is not below the array
 * mutants: M_TAIL       what is ON edge 1 and in no cell goes to its tail        M_NO_LANE    so does what the dead held
 *          M_PUT        census puts a committed output whatever its cell waits for
 *          M_SKIP_ANY   a hole is passed without a look at the table             M_SKIP_BLIND ...with a look at open alone
 *          M_OPEN_FIRST reader takes open, then the ordinal
 *          M_ORD_FIRST  an entry's ordinal before its bits                       M_REDO_BLIND census does not compare the ordinal
 *          M_LATE_ON    place word after the exchange                            M_NO_KEEP    census forgets a record that it cannot finish
 *          M_KEEP_OUT   kept output, input not kept
 *          M_LATE_COMER what comes late to its cell is handed over all the same
 *          M_DROP_BACK  what a dead producer was about to drop comes back by the lane
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef N
#define N 3
#endif
#ifndef W
#define W 1
#endif
#ifndef SE
#define SE 2
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef POLICY
#define POLICY 0
#endif
#ifndef LIMA
#define LIMA 9
#endif
#ifndef LEAVES
#define LEAVES 1
#endif
#define NR (2*N+1)
#define ON(e) (e)
#define HELD(t,e) (16*((t)+1)+(e))
#define HOLDER(p) ((p)/16)
#define EDGE(p) ((p)%16)
#define ORD(r) (((r)-1)%N)
#define ALLOPEN (LEAVES == 2 -> 3 : 1)
#define MINE(r,t) (live[r] && HOLDER(place[r]) == (t)+1)
#define DELIVERED 1
#define FILTERED 2
#define DROPPED 4
#define LOST 8
#define OTHER 16

byte e1[N], n1, l1[N], nl1, l2[N], nl2;
byte cpos[W], cref[W], next;
byte place[NR]; bool live[NR]; byte att[N];
byte eord[SE], open[SE], owed[SE], outc[SE];             /* eord: ordinal + 1 */
byte low;
bool rec[4]; byte rin[2], rout[2], rset[2], drec[4], dcode[4], cin[2*BATCH];
bool busy[5], kill[4], dead[4], fin[5], other[N];
byte expect[N], lastdel, ncr;                            /* outcome committed, last ordinal delivered + 1 */
#define ALLDONE (low == N)
#define C(n) ((n)%W)
#define EXPECT(n,c) assert(!expect[n]); expect[n] = c

#define SHIFT1 n1--; d_i = 0; do :: d_i < n1 -> e1[d_i] = e1[d_i+1]; d_i++ :: else -> break od; e1[n1] = 0; d_i = 0
#define SHIFTL nl1--; d_i = 0; do :: d_i < nl1 -> l1[d_i] = l1[d_i+1]; d_i++ :: else -> break od; l1[nl1] = 0; d_i = 0
#define SHIFT2 nl2--; d_i = 0; do :: d_i < nl2 -> l2[d_i] = l2[d_i+1]; d_i++ :: else -> break od; l2[nl2] = 0; d_i = 0

/* The holder settles: its entry cannot be another's. The outcome and open are one step, settle.pml has them apart. */
inline settle(q, lv, c) {
  d_step { assert(eord[(q)%SE] == (q)+1 && (owed[(q)%SE] & (lv)) == (lv)); outc[(q)%SE] = outc[(q)%SE] | (c); open[(q)%SE] = open[(q)%SE] & (3-(lv)) };
  owed[(q)%SE] = owed[(q)%SE] & (3-(lv))
}
inline dropCounted(id, r) {                              /* publishes: the drop; then settled and given up */
  d_step { drec[id] = r; EXPECT(ORD(r), DROPPED) };
  settle(ORD(r), 1, DROPPED);
  live[r] = 0;
  drec[id] = 0
}
#define PASS_CELL(n_) d_step { if :: next == n_ -> next = n_+1 :: else fi }
inline force(id) {                                       /* forceOrdered */
  n = next;
  d_step { g = cref[C(n)]; v = (cpos[C(n)] == n) };
  if
  :: !v -> PASS_CELL(n)
  :: else ->
     d_step { v = (cpos[C(n)] == n && cref[C(n)] == g); if :: v -> cpos[C(n)] = n+W; cref[C(n)] = 0 :: else fi };
     if
     :: v ->
        if :: g -> place[g] = HELD(id, 3) :: else fi;
        PASS_CELL(n);
        if :: g -> dropCounted(id, g) :: else fi
     :: else
     fi
  fi;
  d_step { g = 0; v = 0; n = 0 }
}

/* Is position n settled below the array? */
#if defined(M_SKIP_ANY)
#define SETTLED(n) v = 1
#elif defined(M_SKIP_BLIND)
#define SETTLED(n) v = !(open[(n)%SE] & 1)
#elif defined(M_OPEN_FIRST)
#define SETTLED(n) v = !(open[(n)%SE] & 1); e = eord[(n)%SE]; v = (e > (n)+1 || (e == (n)+1 && v))
#else
#define SETTLED(n) \
  e = eord[(n)%SE]; \
  if \
  :: e == (n)+1 -> v = !(open[(n)%SE] & 1); if :: !v -> v = (eord[(n)%SE] != (n)+1) :: else fi \
  :: else -> v = (e > (n)+1) \
  fi
#endif

/* One turn of passHoles. v: a hole was passed, or the cell was not what it seemed: the put tries again. */
inline passHole() {
  n = next;
  d_step { g = cref[C(n)]; v = (cpos[C(n)] == n) };
  if
  :: !v -> PASS_CELL(n); v = 1
  :: v && g -> v = 0
  :: else ->
     SETTLED(n);
     if
     :: v -> d_step { p = (cpos[C(n)] == n && !cref[C(n)]); if :: p -> cpos[C(n)] = n+W :: else fi };
             if :: p -> PASS_CELL(n) :: else fi
     :: else
     fi
  fi;
  d_step { g = 0; e = 0; n = 0; p = 0 }
}

proctype Ingress() {
  byte n;
  do
  :: n < N && n - low < SE ->
#ifdef M_ORD_FIRST
     d_step { busy[4] = 1; eord[n%SE] = n+1 };
     d_step { outc[n%SE] = 0; open[n%SE] = ALLOPEN; owed[n%SE] = ALLOPEN };
#else
     d_step { busy[4] = 1; eord[n%SE] = n };
     d_step { outc[n%SE] = 0; open[n%SE] = ALLOPEN };
     owed[n%SE] = ALLOPEN;
     eord[n%SE] = n+1;
#endif
     d_step { place[n+1] = ON(1); live[n+1] = 1; e1[n1] = n+1; n1++; n++; busy[4] = 0 }
  :: low < n && !owed[low%SE] ->
     d_step { assert(eord[low%SE] == low+1 && !open[low%SE]);
              assert(expect[low] && (outc[low%SE] & (OTHER-1)) == expect[low]); low++ }
  :: ALLDONE -> break
  od;
  fin[4] = 1
}

#if LEAVES == 2
proctype Other() {                                       /* the leaf that is not below the array */
  byte i;
  do
  :: ALLDONE -> break
  :: d_step { (other[0] || other[1] || other[N-1]) -> i = 0; do :: !other[i] -> i++ :: else -> break od; other[i] = 0 };
     settle(i, 2, OTHER); i = 0
  od
}
#endif

proctype Worker(byte id) {
  byte x, n, g, e, was, d_i; bool v, p;
start:
  {
    do
    :: rec[id] ->                                        /* finish, or resume what the predecessor committed */
       busy[id] = 1;
       do
       :: rout[id] && MINE(rout[id], id) && EDGE(place[rout[id]]) != 3 ->
          n = ORD(rout[id]);
          d_step { if :: cpos[C(n)] < n -> d_i = 1 :: cpos[C(n)] > n || cref[C(n)] -> d_i = 2 :: else -> d_i = 0 fi };
          if
          :: d_i == 0 ->
             was = place[rout[id]];
#ifndef M_LATE_ON
             place[rout[id]] = ON(3);
#endif
             d_step { if :: cpos[C(n)] == n && !cref[C(n)] -> cref[C(n)] = rout[id] :: else -> d_i = 2 fi };
#ifdef M_LATE_ON
             if :: d_i == 0 -> place[rout[id]] = ON(3) :: else fi;
#endif
             if
             :: d_i == 0 -> break                        /* put */
             :: else -> place[rout[id]] = was
             fi
          :: else
          fi;
          if
          :: d_i == 2 ->                                 /* superseded */
#if POLICY == 0
             assert(0)
#else
#ifdef M_LATE_COMER
             d_step { place[rout[id]] = ON(4); l2[nl2] = rout[id]; nl2++ }
#else
             dropCounted(id, rout[id])
#endif
#endif
             ; break
          :: d_i == 1 ->                                 /* not admitted yet */
#if POLICY == 0
             d_step { busy[id] = 0; d_i = 0 }; cpos[C(n)] >= n; busy[id] = 1
#endif
#if POLICY == 1
             passHole();
             if :: v -> v = 0 :: else -> dropCounted(id, rout[id]); break fi
#endif
#if POLICY >= 2
             force(id)
#endif
          :: else
          fi
       :: else -> break
       od;
       n = 0; d_step { was = 0; d_i = 0; v = 0 };
       if
       :: rset[id] -> settle(ORD(rin[id]), ALLOPEN, rset[id])
       :: else
       fi;
       if :: rin[id] -> live[rin[id]] = 0 :: else fi;
       d_step { rec[id] = 0; rin[id] = 0; rout[id] = 0; rset[id] = 0; busy[id] = 0 }
    :: !rec[id] && ALLDONE -> break
    :: !rec[id] && (n1 || nl1) && !ALLDONE ->
       d_step { busy[id] = 1; if :: nl1 -> x = l1[0]; SHIFTL; n = 2 :: else -> if :: n1 -> x = e1[0]; SHIFT1; n = 1 :: else fi fi };
       if
       :: x ->
          d_step { place[x] = HELD(id, n); n = 0; busy[id] = 0 };
          /* process(), the place words of its output, then the commit: one store */
          if
#ifdef FILTER
          :: d_step { busy[id] = 1; rin[id] = x; rset[id] = FILTERED; rec[id] = 1; EXPECT(ORD(x), FILTERED); x = 0 }
#endif
#if defined(PASS) || defined(PASS_ONLY)
          :: d_step { busy[id] = 1; rout[id] = x; rec[id] = 1; if :: LEAVES == 2 -> other[ORD(x)] = 1 :: else fi; x = 0 }
#endif
#ifndef PASS_ONLY
          :: d_step { place[N+x] = HELD(id, 0); live[N+x] = 1 };
             d_step { busy[id] = 1; rin[id] = x; rout[id] = N+x; rec[id] = 1; if :: LEAVES == 2 -> other[ORD(x)] = 1 :: else fi; x = 0 }
#endif
          fi
       :: else -> busy[id] = 0
       fi
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { x = 0; n = 0; g = 0; e = 0; was = 0; d_i = 0; v = 0; p = 0; dead[id] = 1 }; !dead[id]; goto start
  :: else
  fi
}

#define IN(k) cin[(id-2)*BATCH+(k)]
#if POLICY == 3
#define NEWER(n) (cpos[C((n)+1)] == (n)+1 && cref[C((n)+1)])   /* W is 2 */
#else
#define NEWER(n) 0
#endif
#define MAY_GO (nl2 || NEWER(next) || next >= N || cpos[C(next)] != next || cref[C(next)] || eord[next%SE] > next+1 || (eord[next%SE] == next+1 && !(open[next%SE] & 1)))

proctype Consumer(byte id) {
  byte x, k, i, n, g, e, d_i; bool v;
start:
  {
    do
    :: ALLDONE -> break
    :: !ALLDONE && MAY_GO && (nl2 || next < N) ->
       busy[id] = 1;
       do
       :: k == BATCH -> break
       :: k < BATCH ->
          d_step { x = 0; if :: nl2 -> x = l2[0]; SHIFT2 :: else fi };
          if
          :: x -> d_step { place[x] = HELD(id, 4); IN(k) = x; k++; x = 0 }
          :: else ->
again:       n = next;
             if :: n >= N -> break :: else fi;
#if POLICY == 3
             i = 1;                                      /* is there a newer one? */
             do :: i < W -> d_step { if :: cpos[C(n+i)] == n+i && cref[C(n+i)] -> d_i = 1 :: else fi; i++ } :: else -> break od;
             i = 0;
             if :: d_i -> d_i = 0; force(id); goto again :: else fi;
#endif
             d_step { v = (cpos[C(n)] == n); x = cref[C(n)] };
             if
             :: !v -> PASS_CELL(n); goto again
             :: v && !x ->
                SETTLED(n);
                if
                :: v -> d_step { v = (cpos[C(n)] == n && !cref[C(n)]); if :: v -> cpos[C(n)] = n+W :: else fi };
                        if :: v -> PASS_CELL(n) :: else fi; goto again
                :: else -> break
                fi
             :: v && x ->
                d_step { v = (cpos[C(n)] == n && cref[C(n)] == x); if :: v -> cpos[C(n)] = n+W; cref[C(n)] = 0 :: else fi };
                if :: v -> place[x] = HELD(id, 3); PASS_CELL(n); d_step { IN(k) = x; k++; x = 0 } :: else -> goto again fi
             fi
          fi
       od;
       busy[id] = 0;
       d_step { x = 0; n = 0; v = 0; e = 0; d_i = 0 };
       if
       :: k ->                                           /* write to the sink, then the commit */
          d_step { busy[id] = 1; rec[id] = 1; i = 0;
                   do :: i < k -> EXPECT(ORD(IN(i)), DELIVERED);
#ifndef TWOC
                                  assert(ORD(IN(i)) + 1 > lastdel); lastdel = ORD(IN(i)) + 1;
#endif
                                  i++ :: else -> break od; i = 0 };
          do :: i < k -> settle(ORD(IN(i)), 1, DELIVERED); i++ :: else -> i = 0; break od;
          do :: i < k -> d_step { live[IN(i)] = 0; i++ } :: else -> break od;
          rec[id] = 0;
          d_step { i = 0; do :: i < k -> IN(i) = 0; i++ :: else -> break od; i = 0; k = 0; busy[id] = 0 }
       :: else
       fi
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { x = 0; k = 0; i = 0; n = 0; g = 0; e = 0; d_i = 0; v = 0; dead[id] = 1;
                          if :: !rec[id] -> do :: i < BATCH -> IN(i) = 0; i++ :: else -> break od; i = 0 :: else fi }; !dead[id]; goto start
  :: else
  fi
}

#ifdef M_REDO_BLIND
#define SAME(q) (1)
#else
#define SAME(q) (eord[(q)%SE] == (q)+1)
#endif
#define RESETTLE(q,lv,c) if :: SAME(q) -> outc[(q)%SE] = outc[(q)%SE] | (c); open[(q)%SE] = open[(q)%SE] & (3-(lv)); owed[(q)%SE] = owed[(q)%SE] & (3-(lv)) :: else fi
inline lane1(r_) {
  j = nl1; do :: j > 0 && l1[j-1] > r_ -> l1[j] = l1[j-1]; j-- :: else -> break od; l1[j] = r_; nl1++; place[r_] = ON(2); j = 0
}
inline lane2(r_) {
  j = nl2; do :: j > 0 && ORD(l2[j-1]) > ORD(r_) -> l2[j] = l2[j-1]; j-- :: else -> break od; l2[j] = r_; nl2++; place[r_] = ON(4); j = 0
}
inline dropNow(r_) { EXPECT(ORD(r_), DROPPED); RESETTLE(ORD(r_), 1, DROPPED); live[r_] = 0 }
inline forceNow() {
  if :: cpos[C(next)] != next
     :: else -> if :: cref[C(next)] -> dropNow(cref[C(next)]); cref[C(next)] = 0 :: else fi; cpos[C(next)] = next+W
  fi; next++
}

proctype Census() {
  byte t, i, j, r; bool keep[4], here, D[4], given[NR];
  do
  :: fin[0] && fin[1] && fin[2] && fin[3] && fin[4] -> break
  :: d_step { !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
#ifndef SINK_LIVES
  :: d_step { !kill[2] && !fin[2] && ncr < NCRASH -> kill[2] = 1; ncr++ }
  :: d_step { !kill[3] && !fin[3] && ncr < NCRASH -> kill[3] = 1; ncr++ }
#endif
  :: atomic { (dead[0] || dead[1] || dead[2] || dead[3]) && (dead[0] || !busy[0]) && (dead[1] || !busy[1]) && (dead[2] || !busy[2]) && (dead[3] || !busy[3]) && !busy[4] ->
     d_step {
       t = 0;                                            /* records */
       do
       :: t < 4 ->
          D[t] = dead[t];
          if
          :: D[t] && drec[t] ->
             i = drec[t]; RESETTLE(ORD(i), 1, DROPPED);
             if :: MINE(i, t) -> live[i] = 0 :: else fi; drec[t] = 0; i = 0
          :: else
          fi;
          if
          :: D[t] && t < 2 && rec[t] ->
             r = rout[t%2];
             given[r] = !(MINE(r, t) && EDGE(place[r]) != 3);
             if
             :: r && !given[r] ->
                i = ORD(r);
#ifdef M_PUT
                place[r] = ON(3); cref[C(i)] = r
#else
                do
                :: cpos[C(i)] == i && !cref[C(i)] -> place[r] = ON(3); cref[C(i)] = r; break
                :: cpos[C(i)] > i || (cpos[C(i)] == i && cref[C(i)]) -> dropNow(r); break
                :: cpos[C(i)] < i ->
#if POLICY == 0
                   keep[t] = 1; break
#endif
#if POLICY == 1
                   dropNow(r); break
#endif
#if POLICY >= 2
                   forceNow()
#endif
                od
#endif
             :: else
             fi;
#ifdef M_NO_KEEP
             keep[t] = 0;
#endif
             if
             :: !keep[t] ->
                if :: rset[t%2] -> RESETTLE(ORD(rin[t%2]), ALLOPEN, rset[t%2]) :: else fi;
                if :: rin[t%2] && MINE(rin[t%2], t) -> live[rin[t%2]] = 0 :: else fi;
                rec[t] = 0; rin[t%2] = 0; rout[t%2] = 0; rset[t%2] = 0
             :: else
             fi; i = 0; r = 0
          :: D[t] && t >= 2 && rec[t] ->
             i = 0;
             do
             :: i < BATCH -> r = cin[(t-2)*BATCH+i];
                if :: r -> RESETTLE(ORD(r), 1, DELIVERED); if :: MINE(r, t) -> live[r] = 0 :: else fi :: else fi;
                cin[(t-2)*BATCH+i] = 0; i++
             :: else -> break
             od;
             rec[t] = 0; i = 0; r = 0
          :: else
          fi;
          t++
       :: else -> break
       od;
       r = 1;                                            /* references */
       do
       :: r < NR ->
          t = HOLDER(place[r]);
          if
          :: !live[r]
          :: live[r] && t && D[t-1] ->
             if
#ifdef M_KEEP_OUT
             :: t <= 2 && keep[t-1] && rout[(t-1)%2] == r
#else
             :: t <= 2 && keep[t-1] && (rout[(t-1)%2] == r || rin[(t-1)%2] == r)
#endif
             :: else ->
                if
                :: EDGE(place[r]) == 0 -> live[r] = 0
                :: EDGE(place[r]) == 1 || EDGE(place[r]) == 2 ->
                   att[ORD(r)]++;
                   if
                   :: att[ORD(r)] >= LIMA -> EXPECT(ORD(r), LOST); RESETTLE(ORD(r), ALLOPEN, LOST); live[r] = 0
#ifdef M_NO_LANE
                   :: else -> place[r] = ON(1); e1[n1] = r; n1++
#else
                   :: else -> lane1(r)
#endif
                   fi
#if POLICY >= 2 && !defined(M_DROP_BACK)
                :: (EDGE(place[r]) == 3 || EDGE(place[r]) == 4) && t <= 2 -> dropNow(r)
                :: (EDGE(place[r]) == 3 || EDGE(place[r]) == 4) && t > 2 -> lane2(r)
#else
                :: EDGE(place[r]) == 3 || EDGE(place[r]) == 4 -> lane2(r)
#endif
                fi
             fi
          :: else
          fi; r++
       :: else -> break
       od;
       r = 1;                                            /* what is on its way, beside what was held */
       do
       :: r < NR ->
          if
          :: !live[r] || HOLDER(place[r])
          :: live[r] && place[r] == ON(1) ->
             here = 0; j = 0; do :: j < n1 -> if :: e1[j] == r -> here = 1 :: else fi; j++ :: else -> break od;
             if
             :: !here ->
#ifdef M_TAIL
                e1[n1] = r; n1++
#else
                if :: (n1 && e1[n1-1] > r) || (nl1 && l1[nl1-1] > r) -> lane1(r) :: else -> e1[n1] = r; n1++ fi
#endif
             :: else
             fi
          :: live[r] && place[r] == ON(2) ->
             here = 0; j = 0; do :: j < nl1 -> if :: l1[j] == r -> here = 1 :: else fi; j++ :: else -> break od;
             if :: !here -> lane1(r) :: else fi
          :: live[r] && place[r] == ON(3) && cref[C(ORD(r))] != r ->
             if :: cpos[C(ORD(r))] == ORD(r) && (POLICY < 2 || given[r]) -> assert(!cref[C(ORD(r))]); cref[C(ORD(r))] = r
                :: else ->
#if POLICY >= 2 && !defined(M_DROP_BACK)
                   dropNow(r)
#else
                   lane2(r)
#endif
             fi
          :: live[r] && place[r] == ON(3) && cref[C(ORD(r))] == r
          :: live[r] && place[r] == ON(4) ->
             here = 0; j = 0; do :: j < nl2 -> if :: l2[j] == r -> here = 1 :: else fi; j++ :: else -> break od;
#if POLICY >= 2 && !defined(M_DROP_BACK)
             if :: !here -> dropNow(r) :: else fi
#else
             if :: !here -> lane2(r) :: else fi
#endif
          fi; r++
       :: else -> break
       od;
       t = 0;
       do :: t < 4 -> if :: D[t] -> busy[t] = 0; kill[t] = 0; dead[t] = 0; D[t] = 0 :: else fi; keep[t] = 0; t++ :: else -> break od;
       r = 0; do :: r < NR -> given[r] = 0; r++ :: else -> break od;
       t = 0; i = 0; j = 0; r = 0; here = 0
     } }
  od;
  skip;
  d_step {                                               /* at rest */
    assert(n1 == 0 && nl1 == 0 && nl2 == 0 && low == N);
    i = 0; do :: i < W -> assert(!cref[i]); i++ :: else -> break od;
    i = 1; do :: i < NR -> assert(!live[i]); i++ :: else -> break od
  }
}

init {
  byte i;
  atomic {
    do :: i < W -> cpos[i] = i; i++ :: else -> break od; i = 0;
    run Ingress(); run Worker(0);
#ifdef ONEW
    fin[1] = 1;
#else
    run Worker(1);
#endif
    run Consumer(2);
#ifdef TWOC
    run Consumer(3);
#else
    fin[3] = 1;
#endif
#if LEAVES == 2
    run Other();
#endif
    run Census()
  }
}
