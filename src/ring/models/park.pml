/* park.pml: sleeping and waking. waitSync and sleepAsync (the same steps), wake, wakeOneOf, wakeAll, wakeProducer, pushCell and
 * popCell with the hints that they leave, wakeThreads, the closing of a ring, clearBells and the recovery lane.
 * A lost wake-up is a deadlock, since nobody wakes by time unless TIMEOUT is given; then a sleeper wakes when nothing else can happen.
 *
 * Producers 0, 1 (N0, N1 items), consumers 2, 3. A cell is moved in one step, the hint and the bells are steps of their own.
 * sleeper: read the park word; set the bit in the bell; look; nothing: wait while the park word is what was read; clear the bit
 * ringer:  after it made something possible, read the bell; clear one bit; if it cleared it: add to that park word, notify
 *
 * -DLIMIT of the ring  -DNP producers  -DNC consumers  -DN0 -DN1  -DNCRASH  -DTWO two rings, one for each producer, one bell for both
 * -DALL wakeAll in place of wakeOneOf  -DTIMEOUT
 * -DOPEN         the ring is not closed, which would wake everybody: consumers leave when all is taken
 * -DFULL         the ring is full at the start  -DONLY the thread that may die
 * -DCLOSED_SEEN  a consumer looks whether the ring is closed after its bit is set, too
 * mutants: M_NO_RECHECK no look after the bit        M_BUMP_FIRST  ring before the push
 *          M_STALE      park word after the look     M_LATE_READ   park word after the bit
 *          M_NO_WAKE_ALL recovery wakes nobody       M_KEEP_BITS   recovery leaves the bits of the dead
 *          M_SWALLOW    a sleeper that was rung and whose look succeeded keeps the ring to itself
 *          M_HEAD       half-empty counted from the head hint, which lags
 *          M_HALF       half-empty without equality (tail - popped - 1 < half)
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NC
#define NC 2
#endif
#ifndef N0
#define N0 1
#endif
#ifndef N1
#define N1 1
#endif
#ifndef LIMIT
#define LIMIT 1
#endif
#ifdef TWO
#define RINGS 2
#else
#define RINGS 1
#endif
#define RING_OF(id) ((id)%RINGS)
#ifdef FULL
#define BEFORE LIMIT
#else
#define BEFORE 0
#endif
#define TOTAL (N0 + (NP == 2 -> N1 : 0) + BEFORE)

byte T[RINGS], H[RINGS], tail[RINGS], head[RINGS];      /* true positions, and the hints */
byte lane, taken, left[2];                              /* items that the dead held; items taken; items that a producer has yet to push */
byte items, space[RINGS];                               /* bells: of the consumers, of the producers */
byte park[4];
bool asleep[4], kill[4], dead[4], fin[4], busy[4], gate, closed;
bool held[4];
byte ncr;
#define hold held[id]
#ifdef OPEN
#define OVER (taken == TOTAL)
#else
#define OVER 0
#endif
#ifdef TIMEOUT
#define WOKEN if :: !asleep[id] || OVER :: timeout -> asleep[id] = 0 fi
#else
#define WOKEN (!asleep[id] || OVER)
#endif
#define MOD 8
#define BUMP(t) d_step { park[t] = (park[t]+1)%MOD; asleep[t] = 0 }

/* wakeOneOf and wakeAll of a bell whose bits 1 and 2 are threads base and base + 1 */
inline wakeOneOf(bell, base) {
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
inline ringOn(bell, base) {                             /* as park.ts has it: the mask is read once */
  m = bell;
  do
  :: m == 0 -> break
  :: else ->
     b = (m & 1 -> 0 : 1);
     d_step { o = bell; bell = bell & (3 - (1 << b)) };
     if
     :: o & (1 << b) -> BUMP(base+b); break
     :: else -> m = m & (3 - (1 << b))
     fi
  od; m = 0; d_step { b = 0; o = 0 }
}
#ifdef ALL
inline wake(bell, base) {
  d_step { m = bell; bell = 0 };
  if :: m & 1 -> BUMP(base) :: else fi;
  if :: m & 2 -> BUMP(base+1) :: else fi; m = 0
}
#else
#define wake(bell, base) wakeOneOf(bell, base)
#endif

inline enter(id, r) {                                   /* r = 0: the gate is closed */
  busy[id] = 1;
  if :: gate -> busy[id] = 0; r = 0 :: else -> r = 1 fi
}

/* r: 1 pushed, 0 full or gate closed */
inline push(id) {
  enter(id, r);
  if
  :: r ->
#ifdef M_BUMP_FIRST
     m = items; if :: m -> wake(items, 2) :: else fi;
#endif
     do
     :: t = tail[RING_OF(id)];
        d_step { if :: t != T[RING_OF(id)] -> r = 2
                    :: t == T[RING_OF(id)] && T[RING_OF(id)] - H[RING_OF(id)] >= LIMIT -> r = 0
                    :: else -> r = 1; T[RING_OF(id)]++; left[id]-- fi }
        if
        :: r == 2 -> d_step { if :: tail[RING_OF(id)] == t -> tail[RING_OF(id)] = t+1 :: else fi }
        :: else -> break
        fi
     od;
     if
     :: r ->
        tail[RING_OF(id)] = t+1;
#ifndef M_BUMP_FIRST
        m = items; if :: m -> wake(items, 2) :: else fi
#endif
     :: else
     fi;
     d_step { busy[id] = 0; t = 0 }
  :: else
  fi
}

#ifdef M_HEAD
#define FROM head[q]
#else
#define FROM p
#endif
#ifdef M_HALF
#define HALF(n) ((n) < (LIMIT/2))
#else
#define HALF(n) ((n) <= (LIMIT/2))
#endif
/* r: 1 taken, 0 nothing there or gate closed. The lane first, then the ring(s). */
inline take(id) {
  enter(id, r);
  if
  :: r ->
     d_step { if :: lane -> lane--; hold = 1; r = 1 :: else -> r = 0 fi };
     q = 0;
     do
     :: r || q == RINGS -> break
     :: else ->
        d_step { if :: T[q] != H[q] -> H[q]++; p = H[q]; hold = 1; r = 1 :: else fi };
        if
        :: r ->
           head[q] = p;
           m = space[q];
           if
           :: m ->
              /* the tail hint may lag and is never ahead */
              d_step { t = (tail[q] < FROM -> 0 : tail[q] - FROM) };
              if :: HALF(t) -> wake(space[q], 0) :: else -> m = 0 fi
           :: else
           fi
        :: else -> q++
        fi
     od;
     busy[id] = 0
     /* t, p and q are forgotten by who called */
  :: else
  fi
}

proctype P(byte id) {
  byte t, r, m, b, o, w;
start:
  { do
    :: left[id] == 0 -> break
    :: else ->
       push(id);
       do
       :: r -> break
       :: else ->                                       /* waitSync on the space bell */
#if !defined(M_STALE) && !defined(M_LATE_READ)
          w = park[id];
#endif
          space[RING_OF(id)] = space[RING_OF(id)] | (1 << id);
#ifdef M_LATE_READ
          w = park[id];
#endif
#ifdef M_NO_RECHECK
          r = 0;
#else
          push(id);
#endif
#ifdef M_STALE
          w = park[id];
#endif
          if
          :: !r -> d_step { if :: park[id] == w -> asleep[id] = 1 :: else fi }; WOKEN
          :: else
          fi;
#ifdef M_SWALLOW
          space[RING_OF(id)] = space[RING_OF(id)] & (3 - (1 << id));
#else
          d_step { o = space[RING_OF(id)] & (1 << id); space[RING_OF(id)] = space[RING_OF(id)] & (3 - (1 << id)) };
          if :: r && !o -> ringOn(space[RING_OF(id)], 0) :: else fi;
          o = 0;
#endif
          w = 0
       od;
       r = 0
    od; fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if :: !fin[id] -> d_step { t = 0; r = 0; m = 0; b = 0; o = 0; w = 0; asleep[id] = 0; dead[id] = 1 }; !dead[id]; goto start :: else fi
}

proctype C(byte id) {
  byte t, r, m, b, o, w, p, q; bool c;
start:
  { do
    :: OVER -> break
    :: !OVER ->
       c = closed;
       take(id);
       if
       :: !r && c -> break
       :: !r && !c ->                                   /* waitSync or sleepAsync on the item bell */
#if !defined(M_STALE) && !defined(M_LATE_READ)
          w = park[id];
#endif
          items = items | (1 << (id-2));
#ifdef M_LATE_READ
          w = park[id];
#endif
#ifdef M_NO_RECHECK
          r = 0;
#else
          take(id);
#endif
#ifdef M_STALE
          w = park[id];
#endif
#ifdef CLOSED_SEEN
          if :: !r -> c = closed :: else fi;
#endif

          if
          :: !r && !c -> d_step { if :: park[id] == w -> asleep[id] = 1 :: else fi }; WOKEN
          :: else
          fi;
#ifdef M_SWALLOW
          items = items & (3 - (1 << (id-2)));
#else
          d_step { o = items & (1 << (id-2)); items = items & (3 - (1 << (id-2))) };
          if :: r && !o -> ringOn(items, 2) :: else fi;
          o = 0;
#endif
          w = 0
       :: r
       fi;
       d_step { t = 0; p = 0; q = 0; if :: r -> assert(hold); hold = 0; taken++ :: else fi; r = 0; c = 0 }     /* work, and its commit */
    od; fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if :: !fin[id] -> d_step { t = 0; r = 0; m = 0; b = 0; o = 0; w = 0; p = 0; q = 0; c = 0; asleep[id] = 0; dead[id] = 1 }; !dead[id]; goto start :: else fi
}

#ifdef ONLY
#define MAY_DIE(t) ((t) == ONLY)
#else
#define MAY_DIE(t) 1
#endif
proctype Killer() {
end:
  do
  :: d_step { MAY_DIE(0) && !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { MAY_DIE(1) && !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
  :: d_step { MAY_DIE(2) && !kill[2] && !fin[2] && ncr < NCRASH -> kill[2] = 1; ncr++ }
  :: d_step { MAY_DIE(3) && !kill[3] && !fin[3] && ncr < NCRASH -> kill[3] = 1; ncr++ }
  od
}

/* Closes the ring when the producers have ended, recovers when somebody is dead. */
proctype Main() {
  byte i; bool D[4];
  do
  :: fin[0] && fin[1] && fin[2] && fin[3] -> break
#ifndef OPEN
  :: fin[0] && fin[1] && !closed -> closed = 1; BUMP(2); BUMP(3)
#endif
  :: (dead[0] || dead[1] || dead[2] || dead[3]) ->
     gate = 1;
     (dead[0] || !busy[0]); (dead[1] || !busy[1]); (dead[2] || !busy[2]); (dead[3] || !busy[3]);
     d_step { i = 0; do :: i < 4 -> D[i] = dead[i]; if :: dead[i] -> busy[i] = 0; if :: held[i] -> held[i] = 0; lane++ :: else fi :: else fi; i++ :: else -> break od; i = 0 };
#ifndef M_KEEP_BITS
     items = 0; space[0] = 0;
#ifdef TWO
     space[1] = 0;
#endif
#endif
     gate = 0;
#ifndef M_NO_WAKE_ALL
     BUMP(0); BUMP(1); BUMP(2); BUMP(3);
#endif
     d_step { i = 0; do :: i < 4 -> if :: D[i] -> D[i] = 0; kill[i] = 0; dead[i] = 0 :: else fi; i++ :: else -> break od; i = 0 }
  od;
  assert(taken == TOTAL && lane == 0)
}

init { atomic {
  left[0] = N0; left[1] = N1; T[0] = BEFORE; tail[0] = BEFORE;
  run P(0); run C(2);
  if :: NP == 2 -> run P(1) :: else -> fin[1] = 1; left[1] = 0 fi;
  if :: NC == 2 -> run C(3) :: else -> fin[3] = 1 fi;
  run Killer(); run Main()
} }
