/* ring.pml: pushCell, popCell, takeFifo, takeBatch and freeSlot, one step for each access to memory.
 * Two producers (0, 1), two consumers (2, 3), a crash of any of them between any two steps.
 *
 * A cell is one 64-bit word {pos, ref}: {p, 0} waits for position p, {p, s} holds the item of position p.
 * head and tail are hints: stored plainly to position + 1 by who moved a cell, helped on by compare-exchange.
 * Positions are modulo 16 and start at 14, so that they wrap.
 *
 * -DCAP cells  -DLIMIT references at most  -DBATCH cells that a consumer pops before it writes place words
 * -DK0 -DK1 pushes of each producer  -DNCRASH  -DONEC one consumer  -DFREE producers use freeSlot: no test for full, no place word
 * mutants: M_LATE_ON      place word after the exchange that publishes
 *          M_EARLY_HELD   place word before the exchange that pops
 *          M_TAIL_FIRST   tail hint before the exchange
 *          M_HEAD_FIRST   head hint before the exchange
 *          M_HINT_EMPTY   empty if the hints are equal, without a look at the cell
 *          M_NO_HELP      who finds a hint behind tries again and does not help (cycles)
 *          M_STAMP        free or not from the position alone (cycles)
 */
#ifndef CAP
#define CAP 2
#endif
#ifndef LIMIT
#define LIMIT CAP
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef START
#define START 14
#endif
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef K0
#define K0 2
#endif
#ifndef K1
#define K1 1
#endif
#define NS (K0+K1)
#define M 16

#define ON 0
#define HELD(t) (1+(t))
#define DONE 9

#define TRY 1
#define HELP 2
#define FULL 3
#define NONE 4
#define OK 5
#define LOST 6

byte cpos[CAP], cref[CAP];
byte head = START, tail = START;
byte place[NS+1];
bool kill[4], dead[4], fin[4];
/* what is true, whatever the words say */
byte order[NS], npush, npop;
byte truth[NS+1];               /* HELD(t), 7: on the ring, 9: consumed */

#define PGONE ((dead[0]||fin[0]) && (dead[1]||fin[1]))
#define CGONE ((dead[2]||fin[2]) && (dead[3]||fin[3]))
#define BEHIND(h,n) assert(((START+(n)+M-(h))%M) < M/2)      /* a hint is never ahead of the cells */
#define CAS_TAIL d_step { if :: tail == t -> tail = (t+1)%M; BEHIND(tail, npush) :: else fi }
#define CAS_HEAD d_step { if :: head == h -> head = (h+1)%M; BEHIND(head, npop) :: else fi }
#define STORE_TAIL d_step { tail = (t+1)%M; BEHIND(tail, npush) }
#define STORE_HEAD d_step { head = (h+1)%M; BEHIND(head, npop) }

proctype P(byte id; byte first; byte K) {
  byte t, s, k, r; bool stored;
  {
    do
    :: k == K -> break
    :: k < K ->
       s = first + k;
again: t = tail;
       d_step {                                   /* the cell of t */
         if
#ifdef M_STAMP
         :: cpos[t%CAP] == t -> r = TRY
#else
         :: cpos[t%CAP] == t && cref[t%CAP] == 0 -> r = TRY
#endif
#ifdef FREE
         :: else -> r = HELP; assert(cpos[t%CAP] != (t+M-CAP)%M)
#else
         :: cpos[t%CAP] == (t+M-CAP)%M -> r = FULL; assert(npush-npop == CAP)
         :: else ->
#ifdef M_NO_HELP
            r = LOST
#else
            r = HELP
#endif
#endif
         fi }
       if
       :: r == TRY && LIMIT < CAP ->
          d_step {                                /* the cell that is LIMIT positions back */
            if :: cpos[(t+M-LIMIT)%CAP] == (t+M-LIMIT)%M && cref[(t+M-LIMIT)%CAP] != 0 -> r = FULL; assert(npush-npop >= LIMIT)
               :: else fi }
       :: else
       fi;
       if
       :: r == TRY ->
#if !defined(M_LATE_ON) && !defined(FREE)
          if :: !stored -> place[s] = ON; stored = 1 :: else fi;
#endif
#ifdef M_TAIL_FIRST
          STORE_TAIL;
#endif
          d_step {
            if :: cpos[t%CAP] == t && cref[t%CAP] == 0 ->
                  cref[t%CAP] = s; r = OK;
                  assert(npush-npop < LIMIT);
                  order[npush] = s; npush++; assert(truth[s] == HELD(id)); truth[s] = 7
               :: else -> r = LOST fi }
          if
          :: r == OK ->
#ifdef M_LATE_ON
             place[s] = ON;
#endif
#ifndef M_TAIL_FIRST
             STORE_TAIL;
#endif
             d_step { k++; r = 0; t = 0; stored = 0 }
          :: else -> goto again
          fi
       :: r == HELP -> CAS_TAIL; goto again
       :: r == FULL ->
          if :: stored -> place[s] = HELD(id); stored = 0 :: else fi;
          if :: npush-npop < LIMIT -> goto again :: CGONE -> break fi
       :: r == LOST -> goto again
       fi
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  d_step { if :: !fin[id] -> dead[id] = 1 :: else fi; t = 0; r = 0; s = 0; k = 0; stored = 0 }
}

proctype C(byte id) {
  byte h, s, r, n, b[BATCH]; bool pg;
  {
    do
    :: pg = PGONE;
again: h = head;
#ifdef M_HINT_EMPTY
       if :: h == tail -> r = NONE; assert(npush == npop) :: else -> r = TRY fi;
       d_step { if :: r == TRY -> 
#else
       d_step { if :: true ->                     /* the cell of h */
#endif
         s = 0;
         if
         :: cpos[h%CAP] == h && cref[h%CAP] != 0 -> r = TRY; s = cref[h%CAP]
         :: cpos[h%CAP] == h && cref[h%CAP] == 0 -> r = NONE; assert(npush == npop)
         :: else ->
#ifdef M_NO_HELP
            r = LOST
#else
            r = HELP
#endif
         fi
         :: else fi }
       if
       :: r == TRY ->
#ifdef M_EARLY_HELD
          place[s] = HELD(id);
#endif
#ifdef M_HEAD_FIRST
          STORE_HEAD;
#endif
          d_step {
            if :: cpos[h%CAP] == h && cref[h%CAP] == s ->
                  cpos[h%CAP] = (h+CAP)%M; cref[h%CAP] = 0; r = OK;
                  assert(order[npop] == s); npop++; assert(truth[s] == 7); truth[s] = HELD(id); b[n] = s; n++
               :: else -> r = LOST fi }
#ifndef M_HEAD_FIRST
          if :: r == OK -> STORE_HEAD :: else fi;
#endif
          if :: r == OK && n == BATCH -> skip :: else -> goto again fi
       :: r == HELP -> CAS_HEAD; goto again
       :: r == LOST -> goto again
       :: r == NONE && n == 0 ->
          if :: pg -> break
             :: !pg && (npush != npop || PGONE)
          fi
       :: r == NONE && n != 0
       fi;
       do                                         /* what was popped: the place words */
       :: n == 0 -> break
       :: n != 0 ->
#if !defined(M_EARLY_HELD) && !defined(FREE)
          place[b[n-1]] = HELD(id);
#endif
          d_step { n--; s = b[n]; b[n] = 0; assert(truth[s] == HELD(id)); truth[s] = DONE; place[s] = DONE; s = 0; r = 0; h = 0 }
       od
    od;
    fin[id] = 1
  } unless (kill[id] && !fin[id]);
  d_step { if :: !fin[id] -> dead[id] = 1 :: else fi; h = 0; s = 0; r = 0; pg = 0;
           do :: n == 0 -> break :: else -> n--; b[n] = 0 od }
}

proctype Killer() {
  byte n;
  do
  :: n < NCRASH ->
     if
     :: !kill[0] && !fin[0] -> kill[0] = 1
     :: !kill[1] && !fin[1] -> kill[1] = 1
     :: !kill[2] && !fin[2] -> kill[2] = 1
     :: !kill[3] && !fin[3] -> kill[3] = 1
     :: break
     fi; n++
  :: n == NCRASH -> break
  od
}

/* At rest the cells and the place words must say what is true, as far as the census needs it. */
proctype Rest() {
  byte s, i, n;
  (PGONE && CGONE);
  d_step {
    s = 1;
    do
    :: s > NS -> break
    :: else ->
       n = 0; i = 0;
       do :: i == CAP -> break :: else -> if :: cref[i] == s -> n++ :: else fi; i++ od;
       assert(n <= 1);
       assert((n == 1) == (truth[s] == 7));
#ifndef FREE
       if
       :: n == 1 -> assert(place[s] == ON)
       :: n == 0 && place[s] == ON -> assert(truth[s] >= 1 && truth[s] <= 4 && dead[truth[s]-1])
       :: n == 0 && place[s] == DONE -> assert(truth[s] == DONE)
       :: else -> assert(place[s] == truth[s] && (dead[truth[s]-1] || CGONE))
       fi;
#endif
       s++
    od
  }
}

init {
  byte i;
  atomic {
    do :: i == CAP -> break :: else -> cpos[i] = (START + ((i + M - (START % CAP)) % CAP)) % M; i++ od;
    i = 1;
    do :: i > NS -> break :: else -> truth[i] = (i <= K0 -> HELD(0) : HELD(1)); place[i] = truth[i]; i++ od;
    i = 0;
    run P(0, 1, K0); run P(1, 1+K0, K1); run C(2);
#ifdef ONEC
    fin[3] = 1;
#else
    run C(3);
#endif
    run Killer(); run Rest()
  }
}
