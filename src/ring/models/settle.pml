/* settle.pml: the settlement table. settle (both its ways), the opening in commitFrame, sweep, and what the census does again.
 * One step for each access to memory; a crash of a settling thread (0, 1), or of the ingress (2), between any two.
 *
 * Entries are used again modulo SE. An ordinal has two leaves; (ordinal, leaf) is a reference 2*ordinal+leaf that waits until a
 * thread takes it, commits "settle it with this outcome" and settles it. Leaf 0 ends with outcome 1, leaf 1 with outcome 2.
 * Entry: ord (ordinal + 1, written last), open, owed, outc. Bank of the ingress: given and low, each commit one store.
 *
 * -DN ordinals  -DSE entries  -DNCRASH  -DORDERED there is an ordered edge: no plain stores
 * mutants: M_REDO_BLIND  the census does not compare the ordinal    M_AND_FIRST  outcome after owed
 *          M_OWED_FIRST  plain stores: owed before the outcome      M_FAST_ANY   plain stores whoever else owes
 *          M_FAST_OPEN   plain stores if open, not owed, is just one's own
 *          M_TORN_SWEEP  count and watermark in two stores          M_REOPEN_LATE ordinal given at the opening, not by the commit
 *          M_NO_GATE     opening and sweeping outside the gate
 *          M_VIEWS_BLIND the sinks' counts begin at the ledger's watermark, not at their own
 *          M_VIEWS_LATE  the sinks are counted after the ledger let go of the entry
 *
 * The sweep counts an ordinal for the sinks (vlow, vtimes: one store), then in the ledger (low, times: another).
 * (That the ordinal is written last is for readers, who are in ordered.pml.)
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef N
#define N 3
#endif
#ifndef SE
#define SE 2
#endif
#define HELD(t) (2+(t))
byte place[2*N];                /* 0 not born, 1 waiting, 2+t held, 9 gone */
byte eord[SE], open[SE], owed[SE], outc[SE];
byte given, low, vlow;
bool rec[2], busy[3], kill[3], dead[3], fin[3], gate;
byte rref[2];
byte ncr, times[N], vtimes[N];
#define BIT(r) (1 << ((r)%2))
#define CODE(r) (1 << ((r)%2))
#define ORD(r) ((r)/2+1)
#define E(r) (((r)/2)%SE)
#define P(i) (place[(i)%(2*N)] == 1)
#define WAITING (P(0) || P(1) || P(2) || P(3) || P(4) || P(5) || P(6) || P(7))   /* N at most 4 */

/* settle(), from the ordinal on */
inline settle(r) {
#ifdef M_REDO_BLIND
  ok = 1;
#else
  ok = (eord[E(r)] == ORD(r));
#endif
  if
  :: ok ->
#ifdef ORDERED
     ok = 0;
#else
#ifdef M_FAST_ANY
     ok = 1;
#else
#ifdef M_FAST_OPEN
     ok = (open[E(r)] == BIT(r));
#else
     ok = (owed[E(r)] == BIT(r));
#endif
#endif
#endif
     if
     :: ok ->
        v = outc[E(r)];
#ifdef M_OWED_FIRST
        owed[E(r)] = 0;
#endif
        outc[E(r)] = v | CODE(r);
        open[E(r)] = 0;
#ifndef M_OWED_FIRST
        owed[E(r)] = 0;
#endif
        v = 0
     :: else ->
#ifndef M_AND_FIRST
        outc[E(r)] = outc[E(r)] | CODE(r);
#endif
        open[E(r)] = open[E(r)] & (3 - BIT(r));
        owed[E(r)] = owed[E(r)] & (3 - BIT(r));
#ifdef M_AND_FIRST
        outc[E(r)] = outc[E(r)] | CODE(r);
#endif
        skip
     fi
  :: else
  fi; ok = 0
}

proctype Settler(byte id) {
  byte r, i, v; bool ok;
start:
  {
    do
    :: low == N -> break
    :: low < N && WAITING ->
       do :: busy[id] = 1; if :: gate -> busy[id] = 0; !gate :: else -> break fi od;
       skip;
       d_step { i = 0; do :: i < 2*N && place[i] != 1 -> i++ :: else -> break od; if :: i < 2*N -> place[i] = HELD(id); r = i+1 :: else fi; i = 0 }
       if
       :: r ->
          d_step { rref[id] = r; rec[id] = 1; r = r-1 };                        /* publishes: the commit */
          d_step { assert(eord[E(r)] == ORD(r) && (open[E(r)] & BIT(r)) && (owed[E(r)] & BIT(r))) };
          settle(r);
          place[r] = 9;
          d_step { rec[id] = 0; rref[id] = 0; r = 0; busy[id] = 0 }
       :: else -> busy[id] = 0
       fi
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { r = 0; i = 0; v = 0; ok = 0; dead[id] = 1 }; !dead[id]; goto start
  :: else
  fi
}

inline enter2() {
#ifndef M_NO_GATE
  do :: busy[2] = 1; if :: gate -> busy[2] = 0; !gate :: else -> break fi od; skip
#else
  skip
#endif
}
proctype Ingress() {
  byte n;
start:
  {
    do
    :: given < N && given - low < SE ->
       enter2();
       n = given;
#ifdef M_REOPEN_LATE
       given = n+1;
#endif
       eord[n%SE] = n;                                                          /* the ordinal before: nobody's here */
       outc[n%SE] = 0;
       open[n%SE] = 3;
       owed[n%SE] = 3;
       eord[n%SE] = n+1;
       d_step { given = n+1; place[2*n] = 1; place[2*n+1] = 1 };                /* publishes: the frame; what is pushed is pipeline.pml's */
       d_step { n = 0; busy[2] = 0 }
    :: low < given && owed[low%SE] == 0 ->
       enter2();
       d_step { assert(eord[low%SE] == low+1 && open[low%SE] == 0 && owed[low%SE] == 0); n = outc[low%SE]; assert(n == 3) };
#ifndef M_VIEWS_LATE
#ifdef M_VIEWS_BLIND
       d_step { vtimes[low]++; assert(vtimes[low] == 1); vlow = low+1 };
#else
       d_step { if :: vlow == low -> vtimes[low]++; assert(vtimes[low] == 1); vlow++ :: else fi };   /* publishes: the counts of the sinks */
#endif
#endif
#ifdef M_TORN_SWEEP
       d_step { times[low]++; assert(times[low] == 1) };
       low++;
#else
       d_step { times[low]++; assert(times[low] == 1); low++ };                 /* publishes: count and watermark */
#endif
#ifdef M_VIEWS_LATE
       d_step { if :: vlow < low -> assert(eord[vlow%SE] == vlow+1); vtimes[vlow]++; vlow++ :: else fi };
#endif
       d_step { n = 0; busy[2] = 0 }
    :: low == N -> break
    od;
    fin[2] = 1
  } unless (kill[2] && !fin[2]);
  if
  :: !fin[2] -> d_step { n = 0; dead[2] = 1 }; !dead[2]; goto start
  :: else
  fi
}

proctype Census() {
  byte t, r, v; bool D[3], ok;
  do
  :: fin[0] && fin[1] && fin[2] -> break
  :: d_step { !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
  :: d_step { !kill[2] && !fin[2] && ncr < NCRASH -> kill[2] = 1; ncr++ }
  :: (dead[0] || dead[1] || dead[2]) ->
     gate = 1;
     (dead[0] || !busy[0]); (dead[1] || !busy[1]);
#ifndef M_NO_GATE
     (dead[2] || !busy[2]);
#endif
     d_step { D[0] = dead[0]; D[1] = dead[1]; D[2] = dead[2]; t = 0 };
     do
     :: t < 2 ->
        if
        :: D[t] && rec[t] ->
           r = rref[t]-1;
           settle(r);
           d_step { place[r] = 9; rec[t] = 0; rref[t] = 0; r = 0 }
        :: else
        fi; t++
     :: else -> break
     od;
     skip;
     d_step { t = 0; r = 0; do :: r < 2*N -> if :: place[r] >= 2 && place[r] < 9 && D[place[r]-2] -> place[r] = 1 :: else fi; r++ :: else -> break od; r = 0 };
     d_step { if :: D[0] -> busy[0] = 0 :: else fi; if :: D[1] -> busy[1] = 0 :: else fi; if :: D[2] -> busy[2] = 0 :: else fi };
     gate = 0;
     d_step { if :: D[0] -> kill[0] = 0; dead[0] = 0 :: else fi; if :: D[1] -> kill[1] = 0; dead[1] = 0 :: else fi; if :: D[2] -> kill[2] = 0; dead[2] = 0 :: else fi;
              D[0] = 0; D[1] = 0; D[2] = 0 }
  od;
  skip;
  d_step { assert(low == N && vlow == N); r = 0; do :: r < 2*N -> assert(place[r] == 9); r++ :: else -> break od }
}

init { atomic { run Ingress(); run Settler(0); run Settler(1); run Census() } }
