/* update.pml: parameters that change while workers are at work. Updater.#update, writeParameters, #adopted;
 * WorkerChain.renew, settle, leave; readParameters; the stamp; a successor (operator-agent.ts). One step for each access to
 * shared memory, a death of a worker between any two; what it had under way is done again.
 *
 * A stage of two operators; an update changes one of them. Its tables have two places of two words each; a bank names, for each
 * operator, when it changed last and which place is its, and carries the hash, which is the number of the update here.
 * now[2*e+k]: when operator k had changed last as of update e. A frame reads all tables and carries a hash away: both must be
 * of one update.
 *
 * -DU updates  -DW workers  -DF frames  -DNCRASH  -DASYNC a frame may be under way while its worker changes
 * mutants: M_NO_WAIT     a bank is written while a worker may be behind
 *          M_EPOCH_FIRST the epoch is published before its bank      M_TABLE_LATE  the tables after it
 *          M_LEFT_STAYS  who takes the place of one that had left does not say that it is back
 *          M_LANE_FREE   the epoch is said while a frame of older parameters is under way (with ASYNC)
 *          M_STAMP_NEW   a result carries the hash of the present chain, not of its own (with ASYNC)
 *          M_ONE_PLACE   new tables where the old ones are
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef U
#define U 3
#endif
#ifndef W
#define W 1
#endif
#ifndef F
#define F 2
#endif
#define LEFT 99
#define BACK 98
byte epoch, word[W];                                  /* the block of the stage */
byte bhash[2], bepoch[4], bplace[4];                  /* two banks; 2*bank + operator */
byte low[4], high[4];                                 /* tables; 2*operator + place */
byte now[2*(U+1)], left = F, ended;
bool at[W], kill[W], dead[W], fin[W];                 /* at: a frame is under way there */
byte ncr;
#if W == 2
#define OVER (fin[0] && fin[1])
#else
#define OVER fin[0]
#endif

proctype Updater() {
  byte e, k, i; byte place[2], changed[2];
  do
  :: e < U ->
     i = 0;
#ifndef M_NO_WAIT
     do
     :: i == W -> break
     :: i < W && (word[i] == e || word[i] == LEFT) -> i++
     :: OVER -> goto over
     od;
#endif
     e++;
     if :: k = 0 :: k = 1 fi;
#ifndef M_ONE_PLACE
     place[k] = 1 - place[k];
#endif
     skip;
     d_step { changed[k] = e; now[2*e] = changed[0]; now[2*e+1] = changed[1] };
#ifdef M_EPOCH_FIRST
     epoch = e;
#endif
#ifndef M_TABLE_LATE
     low[2*k+place[k]] = e; high[2*k+place[k]] = e;
#endif
     bhash[e%2] = e;
     bepoch[2*(e%2)] = changed[0]; bplace[2*(e%2)] = place[0];
     bepoch[2*(e%2)+1] = changed[1]; bplace[2*(e%2)+1] = place[1];
     epoch = e;                                       /* publishes: the bank and its tables */
#ifdef M_TABLE_LATE
     low[2*k+place[k]] = e; high[2*k+place[k]] = e;
#endif
     skip
  :: e == U -> break
  od;
  i = 0;
  do                                                  /* the promise of the last one resolves */
  :: i == W -> break
  :: i < W && (word[i] == e || word[i] == LEFT) -> i++
  :: OVER -> break
  od;
over:
  skip
}

inline keep(k) {
  x = bepoch[2*(e%2)+k]; y = bplace[2*(e%2)+k];
  if :: known && x <= ce -> assert(place[k] == y) :: else -> place[k] = y fi;
  x = 0; y = 0
}
inline say() {
#ifdef M_LANE_FREE
  word[id] = ce
#else
  if :: !at[id] || lh == ch -> word[id] = ce :: else fi
#endif
}
inline renew() {
  e = epoch;
  if
  :: e == 0 -> ch = 0; place[0] = 0; place[1] = 0
  :: else -> h = bhash[e%2]; keep(0); keep(1); ch = h; h = 0
  fi;
  ce = e; e = 0; known = 1;
  say()
}
/* What an operator reads while it is at a frame. */
inline read(k) {
  x = low[2*k+lp[k]]; y = high[2*k+lp[k]];
#ifdef M_STAMP_NEW
  d_step { assert(x == y && x == now[2*ch+k]); x = 0; y = 0 }
#else
  d_step { assert(x == y && x == now[2*lh+k]); x = 0; y = 0 }
#endif
}

proctype Worker(byte id) {
  byte e, h, x, y, ce, ch, lh; byte place[2], lp[2]; bool known;
start:
  {
#ifndef M_LEFT_STAYS
    if :: word[id] == LEFT -> word[id] = BACK :: else fi;
#endif
    renew();
    do
#ifdef ASYNC
    :: epoch != ce -> renew()
#else
    :: epoch != ce && !at[id] -> renew()
#endif
    :: !at[id] && left > 0 -> d_step { left--; at[id] = 1; lh = ch; lp[0] = place[0]; lp[1] = place[1] }
    :: at[id] -> read(0); read(1); d_step { at[id] = 0; ended++; lh = 0; lp[0] = 0; lp[1] = 0 };
#ifdef ASYNC
       say()
#endif
    :: !at[id] && left == 0 -> break
    od;
    word[id] = LEFT;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  if
  :: !fin[id] -> d_step { e = 0; h = 0; x = 0; y = 0; ce = 0; ch = 0; lh = 0; known = 0; place[0] = 0; place[1] = 0; lp[0] = 0; lp[1] = 0; dead[id] = 1 };
     !dead[id]; goto start
  :: else
  fi
}

proctype Census() {
  byte t;
  do
  :: OVER -> break
  :: d_step { !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { dead[0] -> if :: at[0] -> left++; at[0] = 0 :: else fi; kill[0] = 0; dead[0] = 0 }
#if W == 2
  :: d_step { !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
  :: d_step { dead[1] -> if :: at[1] -> left++; at[1] = 0 :: else fi; kill[1] = 0; dead[1] = 0 }
#endif
  od;
  skip;
  d_step { assert(ended == F && left == 0 && !at[0]) }
}

init { atomic { run Updater(); run Worker(0); if :: W == 2 -> run Worker(1) :: else fi; run Census() } }
