/* bells.pml: who wakes whom at an ordered edge. putOrdered, passCell, takeOrdered, settledBelow, forceOrdered and settle with
 * their bells, waitSync and sleepAsync. One step for each access to memory, no crashes. Nobody wakes by time unless TIMEOUT.
 *
 * Threads 0, 1: workers that take the next opened ordinal and put it into the array, or filter it. 2, 3: consumers.
 * The ingress opens ordinals 0..N-1 and sweeps; it waits for conditions, not for a bell.
 * -DN -DW window (a power of two) -DSE entries  -DNW workers -DNC consumers  -DFILTER workers may filter
 * -DPOLICY 0 block, 2 drop-oldest, 3 latest  -DTIMEOUT a sleeper wakes by itself when nothing else happens
 * -DSTALL worker 0, or consumer 2 of two, may keep an ordinal for ever (run with -E: then the rest waits, but nobody sleeps beside what he could take)
 * mutants: M_HOLE_SILENT   who forces a hole on rings nobody for what stands behind it
 *          M_ORD_ONCE      settledBelow does not read the ordinal again after open
 *          M_OPEN_PLAIN    an entry is opened without an ordinal in between
 *          M_PUT_BLIND     who puts rings nobody                     M_RING_FIRST  put: next is read before the exchange
 *          M_SETTLE_SILENT who clears the last open leaf rings nobody M_RARE_RING  who waits for room is woken every second window
 *          M_NO_SPACE_RING passing rings nobody
 */
#ifndef N
#define N 3
#endif
#ifndef W
#define W 2
#endif
#ifndef SE
#define SE 4
#endif
#ifndef NW
#define NW 2
#endif
#ifndef NC
#define NC 1
#endif
#ifndef POLICY
#define POLICY 0
#endif
#define C(n) ((n)%W)
byte cpos[W], next;
bool cref[W];
byte eord[SE]; bool open[SE];                             /* eord: ordinal + 1; one leaf: owed goes with open */
byte given, taken, low, ended;                            /* opened; taken by workers; swept; ordinals that have ended, truly */
byte items, space, park[4];
bool asleep[4];
#define ALL (ended == N)
#define BUMP(t) d_step { park[t] = (park[t]+1)%8; asleep[t] = 0 }

inline wakeAll(bell, base) {
  m = bell;
  if
  :: m ->
     d_step { m = bell; bell = 0 };
     if :: m & 1 -> BUMP(base) :: else fi;
     if :: m & 2 -> BUMP(base+1) :: else fi;
     m = 0
  :: else
  fi
}
inline ringOne(bell, base) {
  m = bell;
  do
  :: m == 0 -> break
  :: else ->
     b = (m & 1 -> 0 : 1);
     d_step { o = bell; bell = bell & (3 - (1 << b)) };
     if
     :: o & (1 << b) -> BUMP(base+b); break
     :: else -> m = o & (3 - (1 << b))
     fi
  od; m = 0; d_step { b = 0; o = 0 }
}
inline settle(q) {
  d_step { assert(eord[(q)%SE] == (q)+1 && open[(q)%SE]); open[(q)%SE] = 0; ended++ };
#ifndef M_SETTLE_SILENT
  wakeAll(items, 2)
#endif
}
#ifdef M_RARE_RING
#define HALF (2*W)
#else
#define HALF (W > 1 -> W/2 : 1)
#endif
inline passCell(n_) {
  d_step { if :: next == n_ -> next = n_+1 :: else fi };
#ifndef M_NO_SPACE_RING
  if :: (n_+1)%HALF == 0 -> wakeAll(space, 0) :: else fi
#endif
}
inline force() {
  n = next;
  d_step { g = cref[C(n)]; v = (cpos[C(n)] == n) };
  if
  :: !v -> d_step { if :: next == n -> next = n+1 :: else fi }
  :: else ->
     d_step { v = (cpos[C(n)] == n && cref[C(n)] == g); if :: v -> cpos[C(n)] = n+W; cref[C(n)] = 0 :: else fi };
     if
     :: v -> passCell(n);
             if
             :: g -> settle(n)
             :: else ->
#ifdef M_HOLE_SILENT
                skip
#else
                d_step { v = cref[C(n+1)] };
                if :: v -> wakeAll(items, 2) :: else fi
#endif
             fi
     :: else
     fi
  fi;
  d_step { g = 0; v = 0; n = 0 }
}

/* r: 1 done, 0 not admitted */
inline put(q) {
  d_step { if :: cpos[C(q)] < q -> r = 0 :: cpos[C(q)] > q -> r = 2 :: else -> r = 1 fi };
  if
  :: r == 1 ->
#ifdef M_RING_FIRST
     g = (next == q);
#endif
     d_step { if :: cpos[C(q)] == q -> assert(!cref[C(q)]); cref[C(q)] = 1 :: else -> r = 2 fi };
     if
     :: r == 1 ->
#if POLICY == 3
        wakeAll(items, 2);
#else
#ifndef M_PUT_BLIND
#ifdef M_RING_FIRST
        if :: g -> wakeAll(items, 2) :: else fi; g = 0;
#else
        if :: next == q -> wakeAll(items, 2) :: else fi;
#endif
#endif
#endif
        skip
     :: else
     fi
  :: else
  fi;
  if :: r == 2 -> assert(POLICY); settle(q); r = 1 :: else fi
}

proctype Worker(byte id) {
  byte q, n, w, m, b, o, r; bool g, v;
  do
  :: taken == N -> break
  :: d_step { taken < given -> q = taken; taken++ };
     if
#ifdef FILTER
     :: settle(q)
#endif
#ifdef STALL
     :: id == 0 -> break                                  /* its operator never returns */
#endif
     :: do
        :: put(q);
           if
           :: r -> break
           :: else ->
#if POLICY
              force()
#else
              w = park[id];
              space = space | (1 << id);
              put(q);
              if :: !r -> d_step { if :: park[id] == w -> asleep[id] = 1 :: else fi };
                          if :: !asleep[id]
#ifdef TIMEOUT
                             :: timeout -> asleep[id] = 0
#endif
                          fi
                 :: else fi;
              space = space & (3 - (1 << id));
              w = 0;
              if :: r -> break :: else fi
#endif
           fi
        od
     fi;
     r = 0; q = 0
  od
}

inline take(id) {                                         /* r: 1 taken, n its ordinal; 0 nothing there */
  do
  :: n = next;
     if :: n >= N -> break :: else fi;
#if POLICY == 3
     d_step { v = 0; b = 1; do :: b < W -> if :: cpos[C(n+b)] == n+b && cref[C(n+b)] -> v = 1 :: else fi; b++ :: else -> break od; b = 0 };
     if
     :: v -> force()
     :: else ->
#endif
     d_step { v = (cpos[C(n)] == n); g = cref[C(n)] };
     if
     :: !v -> d_step { if :: next == n -> next = n+1 :: else fi }
     :: v && g ->
        d_step { v = (cpos[C(n)] == n && cref[C(n)]); if :: v -> cpos[C(n)] = n+W; cref[C(n)] = 0 :: else fi };
        if
        :: v -> passCell(n);
                d_step { v = cref[C(n+1)] };
                if :: v -> ringOne(items, 2) :: else fi;
                r = 1; break
        :: else
        fi
     :: v && !g ->
        o = eord[n%SE];
        if
        :: o > n+1 -> v = 1
        :: o == n+1 ->
           v = !open[n%SE];
#ifndef M_ORD_ONCE
           if :: !v -> v = (eord[n%SE] != n+1) :: else fi
#endif
        :: o < n+1 -> v = 0
        fi;
        o = 0;
        if
        :: v -> d_step { v = (cpos[C(n)] == n && !cref[C(n)]); if :: v -> cpos[C(n)] = n+W :: else fi };
                if :: v -> passCell(n) :: else fi
        :: else -> break
        fi
     fi
#if POLICY == 3
     fi
#endif
  od;
  v = 0; d_step { g = 0 }
}

proctype Consumer(byte id) {
  byte n, w, m, b, o, r, q; bool g, v;
  do
  :: ALL -> break
  :: else ->
     take(id);
     q = n;
     if
     :: r
     :: else ->
        w = park[id];
        items = items | (1 << (id-2));
        take(id);
        q = n;
        if
        :: !r -> d_step { if :: park[id] == w && !ALL -> asleep[id] = 1 :: else fi };
                 if
                 :: !asleep[id] || ALL                    /* at the end of the stream everybody is woken */
#ifdef TIMEOUT
                 :: timeout -> asleep[id] = 0
#endif
                 fi
        :: else
        fi;
        items = items & (3 - (1 << (id-2)));
        w = 0
     fi;
     n = 0;
#ifdef STALL
     if :: r && id == 2 && NC == 2 -> break :: true fi;     /* a consumer that never comes back */
#endif
     if :: r -> r = 0; settle(q) :: else fi;
     q = 0; d_step { n = 0; r = 0 }
  od
}

proctype Ingress() {
  do
  :: given < N && given - low < SE ->
#ifndef M_OPEN_PLAIN
     eord[given%SE] = given;                              /* later than what was there, earlier than what comes */
#endif
     open[given%SE] = 1; eord[given%SE] = given+1; given++
  :: low < given && !open[low%SE] -> low++
  :: low == N -> break
  od
}

#ifdef STALL
/* Nothing moves any more: does anybody sleep beside a reference that he could take? */
proctype Watch() {
  timeout -> assert(!((asleep[2] || asleep[3]) && next < N && cpos[C(next)] == next && cref[C(next)]))
}
#endif

init {
  byte i;
  atomic {
    do :: i < W -> cpos[i] = i; i++ :: else -> break od; i = 0;
    run Ingress(); run Worker(0); run Consumer(2);
    if :: NW == 2 -> run Worker(1) :: else fi;
    if :: NC == 2 -> run Consumer(3) :: else fi;
#ifdef STALL
    run Watch();
#endif
    skip
  }
}
