/* parcel.pml: records of a parcel that end by themselves. settleEach, settle of a source with parcels, finish and its order,
 * countOn, clearOutcomes in commitFrame, sweep; ParcelRun and WorkCommit.fillParcel, which say what ends; what the census does
 * again. One step for each access to memory; a death of the worker (0) or of who ends a leaf (1) between any two.
 *
 * A parcel has K = 2 records and two leaves. Worker 0 takes it (reference 0, both leaves), ends none, some or all of its records,
 * and hands the rest on by two branches (references 1 and 2, a leaf each). Thread 1 takes these: leaf 0 is a sink's, which
 * delivers what has come; on leaf 1 a stage ends the records that come one by one. Each decides anew when it does a parcel again.
 * Codes: 1 filtered, 2 merged, 3 delivered, 4 lost; a byte is 0 or a code, a settlement's bit is the code's.
 * Entry: ord (ordinal + 1), owed, outc, split, a byte a leaf, a byte a leaf and record. told: what was committed.
 *
 * -DN ordinals, 2 or 3  -DSE entries  -DNCRASH  -DLIMA deaths with which a reference is given up
 * mutants: M_EACH_LATE   records are settled after the outputs have gone on
 *          M_EACH_EARLY  before the commit                        M_ONE_LEAF   on one of the leaves
 *          M_NO_CLEAR    an entry keeps the bytes of its last ordinal
 *          M_LEAF_FIRST  a leaf's byte goes before its records' own
 *          M_LEAF_LATE   a leaf's byte is written after owed      M_SPLIT_LATE what is split is said after the outputs have gone on
 *          M_REDO_BLIND  what is done again does not compare the ordinal
 *          M_LETTER_LATE a record's letter is written after the commit that ends it
 *          M_NO_REDO     the census carries outputs out, and not the records
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef N
#define N 2
#endif
#ifndef SE
#define SE 1
#endif
#ifndef LIMA
#define LIMA 99
#endif
#define REF(n,b) (3*(n)+(b))
#define HELD(t) (2+(t))
#define ORD(r) ((r)/3)
#define E(n) ((n)%SE)
#define LEAVES(r) ((r)%3 == 0 -> 3 : (r)%3)
#define WORST(a,b) ((a) > (b) -> (a) : (b))
byte place[3*N];                       /* 0 not born, 1 waiting, 2+t held by t, 9 gone */
byte ord[SE], owed[SE], outc[SE], leaf[2*SE], each[4*SE];   /* leaf: 2*entry+leaf; each: 4*entry+2*leaf+record */
bool split[SE];
byte given, low, out[2*2];             /* out: the bytes that a thread names, 2*thread+record */
bool rec[2], reach[2], routs[2];       /* the record: committed; names records; has outputs */
byte rref[2], rcode[2];                /* its reference + 1; the code of its settlement, 0: none */
bool busy[3], kill[2], dead[2], fin[2], gate;
byte ncr, att[3*N];
byte told[4*N];                        /* 4*ordinal+2*leaf+record */
bool letter[2*N];                      /* a dead record is on the disk */

inline settleEach(t, n, m) {
  ok = (ord[E(n)] == n+1);
#ifdef M_REDO_BLIND
  ok = 1;
#endif
  if
  :: ok ->
#ifndef M_SPLIT_LATE
     split[E(n)] = 1;
#endif
     if :: (m & 1) && out[2*t] -> each[4*E(n)] = out[2*t] :: else fi;
     if :: (m & 1) && out[2*t+1] -> each[4*E(n)+1] = out[2*t+1] :: else fi;
#ifdef M_ONE_LEAF
     if :: m == 2 && out[2*t] -> each[4*E(n)+2] = out[2*t] :: else fi;
     if :: m == 2 && out[2*t+1] -> each[4*E(n)+3] = out[2*t+1] :: else fi
#else
     if :: (m & 2) && out[2*t] -> each[4*E(n)+2] = out[2*t] :: else fi;
     if :: (m & 2) && out[2*t+1] -> each[4*E(n)+3] = out[2*t+1] :: else fi
#endif
  :: else
  fi; ok = 0
}
inline leafBytes(n, m, c) {
  if :: m & 1 -> leaf[2*E(n)] = c :: else fi;
  if :: m & 2 -> leaf[2*E(n)+1] = c :: else fi
}
inline settle(n, m, c) {
  ok = (ord[E(n)] == n+1);
#ifdef M_REDO_BLIND
  ok = 1;
#endif
  if
  :: ok ->
#ifndef M_LEAF_LATE
     leafBytes(n, m, c);
#endif
     if
     :: owed[E(n)] == m -> v = outc[E(n)]; outc[E(n)] = v | (1 << c); owed[E(n)] = 0; v = 0
     :: else -> outc[E(n)] = outc[E(n)] | (1 << c); owed[E(n)] = owed[E(n)] & (3 - m)
     fi;
#ifdef M_LEAF_LATE
     leafBytes(n, m, c);
#endif
     skip
  :: else
  fi; ok = 0
}
/* What is true of a reference that ends, or whose records end: once a leaf and record. */
inline tell(n, m, i, c) {
  if :: (m & 1) && c -> assert(!told[4*(n)+(i)]); told[4*(n)+(i)] = c :: else fi;
  if :: (m & 2) && c -> assert(!told[4*(n)+2+(i)]); told[4*(n)+2+(i)] = c :: else fi
}
inline tellRest(n, m, c) {
  if :: (m & 1) && !told[4*(n)] -> told[4*(n)] = c :: else fi;
  if :: (m & 1) && !told[4*(n)+1] -> told[4*(n)+1] = c :: else fi;
  if :: (m & 2) && !told[4*(n)+2] -> told[4*(n)+2] = c :: else fi;
  if :: (m & 2) && !told[4*(n)+3] -> told[4*(n)+3] = c :: else fi
}
/* finish: records, outputs, settlement, release. r: the reference */
inline finish(t, r) {
#ifndef M_EACH_LATE
#ifndef M_EACH_EARLY
  if :: reach[t] -> settleEach(t, ORD(r), LEAVES(r)) :: else fi;
#endif
#endif
  if :: routs[t] -> place[r+1] = 1; place[r+2] = 1 :: else fi;
#ifdef M_EACH_LATE
  if :: reach[t] -> settleEach(t, ORD(r), LEAVES(r)) :: else fi;
#endif
#ifdef M_SPLIT_LATE
  if :: reach[t] && ord[E(ORD(r))] == ORD(r)+1 -> split[E(ORD(r))] = 1 :: else fi;
#endif
  if :: rcode[t] -> settle(ORD(r), LEAVES(r), rcode[t]) :: else fi;
  place[r] = 9
}
inline enter(t) { do :: busy[t] = 1; if :: gate -> busy[t] = 0; !gate :: else -> break fi od; skip }
/* A record that comes to leaf 1 ended there unless worker 0 had ended it. */
#define COMES(n,l,i) (!told[4*(n)+2*(l)+(i)])

proctype Ender(byte id) {
  byte r, i, v, a, b; bool ok;
start:
  {
    do
    :: low == N -> break
    :: d_step { low < N ->
         r = 0; i = (id == 0 -> 0 : 1);
         do :: r < 3*N && (place[r] != 1 || (r%3 != 0) != i) -> r++ :: else -> break od;
         i = 0;
         if :: r < 3*N -> place[r] = HELD(id); r++ :: else -> r = 0 fi }
       if
       :: !r -> (low == N || place[(id == 0 -> 0 : 1)] == 1 || place[(id == 0 -> 0 : 2)] == 1 || place[(id == 0 -> 3 : 4)] == 1 || place[(id == 0 -> 3 : 5)] == 1
#if N == 3
                 || place[(id == 0 -> 6 : 7)] == 1 || place[(id == 0 -> 6 : 8)] == 1
#endif
                )
       :: r ->
          r--;
          /* what it makes of the records */
          a = 0; b = 0;
          if
          :: id == 0 -> if :: a = 0 :: a = 1 :: a = 4 fi; if :: b = 0 :: b = 1 fi
          :: id == 1 && r%3 == 2 ->
             if :: COMES(ORD(r),1,0) -> if :: a = 2 :: a = 3 fi :: else fi;
             if :: COMES(ORD(r),1,1) -> if :: b = 2 :: b = 3 fi :: else fi
          :: else
          fi;
#ifndef M_LETTER_LATE
          if :: a == 4 -> letter[2*ORD(r)] = 1 :: else fi;
#endif
          /* fillParcel: named one by one unless all ended, in the same way */
          out[2*id] = a; out[2*id+1] = b;
#ifdef M_EACH_EARLY
          if :: a || b -> settleEach(id, ORD(r), LEAVES(r)) :: else fi;
#endif
          d_step {
            if
            :: id == 0 && !(a && b) -> routs[id] = 1; reach[id] = (a || b); rcode[id] = 0
            :: id == 1 && r%3 == 1 -> routs[id] = 0; reach[id] = 0; rcode[id] = 3
            :: else -> routs[id] = 0; reach[id] = (a != b && a && b); rcode[id] = WORST(a,b)
            fi };
          enter(id);
          d_step { rref[id] = r+1; rec[id] = 1;                     /* publishes: the commit */
            if :: reach[id] -> tell(ORD(r), LEAVES(r), 0, a); tell(ORD(r), LEAVES(r), 1, b) :: else fi;
            if :: rcode[id] -> tellRest(ORD(r), LEAVES(r), rcode[id]) :: else fi };
#ifdef M_LETTER_LATE
          if :: a == 4 -> letter[2*ORD(r)] = 1 :: else fi;
#endif
          assert(ord[E(ORD(r))] == ORD(r)+1 && (owed[E(ORD(r))] & LEAVES(r)) == LEAVES(r));
          finish(id, r);
          d_step { rec[id] = 0; rref[id] = 0; reach[id] = 0; routs[id] = 0; rcode[id] = 0; out[2*id] = 0; out[2*id+1] = 0; r = 0; a = 0; b = 0; busy[id] = 0 }
       fi
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { r = 0; i = 0; v = 0; a = 0; b = 0; ok = 0; dead[id] = 1 }; !dead[id]; goto start
  :: else
  fi
}

inline count(i) {
  d_step {
#ifdef M_LEAF_FIRST
    a = (leaf[2*E(low)] -> leaf[2*E(low)] : each[4*E(low)+i]);
    b = (leaf[2*E(low)+1] -> leaf[2*E(low)+1] : each[4*E(low)+2+i]);
#else
    a = (each[4*E(low)+i] -> each[4*E(low)+i] : leaf[2*E(low)]);
    b = (each[4*E(low)+2+i] -> each[4*E(low)+2+i] : leaf[2*E(low)+1]);
#endif
    if :: !split[E(low)] -> a = (outc[E(low)] & 16 -> 4 : (outc[E(low)] & 8 -> 3 : (outc[E(low)] & 4 -> 2 : 1))); b = a :: else fi;
    assert(told[4*low+i] && told[4*low+2+i]);
    assert((told[4*low+i] != 4 && told[4*low+2+i] != 4) || letter[2*low+i]);
    assert(WORST(a,b) == WORST(told[4*low+i],told[4*low+2+i]));
    a = 0; b = 0
  }
}
proctype Ingress() {
  byte n, a, b;
  do
  :: given < N && given - low < SE ->
     enter(2);
     n = given;
     ord[E(n)] = 99;                                                          /* n-1 there: no ordinal that has this entry */
     outc[E(n)] = 0; owed[E(n)] = 3; split[E(n)] = 0;
#ifndef M_NO_CLEAR
     leaf[2*E(n)] = 0; leaf[2*E(n)+1] = 0;
     d_step { each[4*E(n)] = 0; each[4*E(n)+1] = 0; each[4*E(n)+2] = 0; each[4*E(n)+3] = 0 };
#endif
     ord[E(n)] = n+1;
     d_step { given = n+1; place[REF(n,0)] = 1; n = 0; busy[2] = 0 }          /* publishes: the parcel */
  :: low < given && owed[E(low)] == 0 ->
     enter(2);
     count(0); count(1);
     d_step { low++; busy[2] = 0 }
  :: low == N -> break
  od
}

proctype Census() {
  byte t, r, v; bool D[2], ok;
  do
  :: fin[0] && fin[1] -> break
  :: d_step { !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
  :: (dead[0] || dead[1]) ->
     gate = 1;
     (dead[0] || !busy[0]); (dead[1] || !busy[1]); !busy[2];
     d_step { D[0] = dead[0]; D[1] = dead[1] };
     t = 0;
     do
     :: t < 2 && D[t] && rec[t] ->
        r = rref[t]-1;
#ifndef M_NO_REDO
        if :: reach[t] -> settleEach(t, ORD(r), LEAVES(r)) :: else fi;
#endif
        if :: routs[t] && !place[r+1] -> place[r+1] = 1 :: else fi;
        if :: routs[t] && !place[r+2] -> place[r+2] = 1 :: else fi;
#ifdef M_SPLIT_LATE
        if :: reach[t] && ord[E(ORD(r))] == ORD(r)+1 -> split[E(ORD(r))] = 1 :: else fi;
#endif
        if :: rcode[t] -> settle(ORD(r), LEAVES(r), rcode[t]) :: else fi;
        d_step { place[r] = 9; rec[t] = 0; rref[t] = 0; reach[t] = 0; routs[t] = 0; rcode[t] = 0; r = 0; out[2*t] = 0; out[2*t+1] = 0 }; t++
     :: t < 2 && !(D[t] && rec[t]) -> if :: D[t] -> out[2*t] = 0; out[2*t+1] = 0 :: else fi; t++
     :: t == 2 -> break
     od;
     r = 0;
     do
     :: r < 3*N && place[r] >= 2 && place[r] < 9 && D[place[r]-2] ->
        att[r]++;
        if
        :: att[r] < LIMA -> place[r] = 1
        :: else -> letter[2*ORD(r)] = 1; letter[2*ORD(r)+1] = 1; d_step { tellRest(ORD(r), LEAVES(r), 4) }; settle(ORD(r), LEAVES(r), 4); place[r] = 9
        fi; r++
     :: r < 3*N && !(place[r] >= 2 && place[r] < 9 && D[place[r]-2]) -> r++
     :: r == 3*N -> break
     od;
     skip;
     d_step { t = 0; r = 0; if :: D[0] -> busy[0] = 0 :: else fi; if :: D[1] -> busy[1] = 0 :: else fi };
     gate = 0;
     d_step { if :: D[0] -> kill[0] = 0; dead[0] = 0 :: else fi; if :: D[1] -> kill[1] = 0; dead[1] = 0 :: else fi; D[0] = 0; D[1] = 0 }
  od;
  r = 0;
  do :: r < 3*N -> assert(place[r] == 9 || place[r] == 0); r++ :: else -> break od
}

init { atomic { run Ingress(); run Ender(0); run Ender(1); run Census() } }
