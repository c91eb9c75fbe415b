/* chain.pml: two output slots travel as one reference. own, link, fanClaimed, dropBit with the chain behind it,
 * freeSlot, release, and the census's look for free slots. One step for each access to memory, a free ring operation is one step;
 * a crash of the producer (0) or the consumer (1) between any two.
 *
 * The head has the bits and the place word; next[head] = second, which has no bits and belongs to what reaches it.
 * link is outside the gate: the census can come between its two stores.
 * -DNF frames  -DNS slots  -DNCRASH
 * mutants: M_NO_REACH    census: no bits means free            M_STALE_NEXT  claim leaves next
 *          M_NEXT_LATE   claim sets the bit before it clears next
 *          M_BITS_FIRST  link: bits of the second cleared before the head names it
 *          M_READ_LATE   next is read after the slot was given away
 *          M_TAIL_FIRST  the second is freed before the head's bit is cleared
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef NF
#define NF 3
#endif
#ifndef NS
#define NS 4
#endif
#define HELD(t,e) (16*((t)+1)+(e))
#define ON 1
byte nxt[NS+1], place[NS+1], ring[NS], nr;
bool bits[NS+1], infree[NS+1];
byte given, got, ncr;
bool prec, crec; byte pout, cin;
bool busy[2], kill[2], dead[2], fin[2], gate;

inline enter(id) { do :: busy[id] = 1; if :: gate -> busy[id] = 0; !gate :: else -> break fi od; skip }
inline claim(a) {
  do
  :: enter(0);
     d_step { a = 1; do :: a <= NS && !infree[a] -> a++ :: else -> break od; if :: a <= NS -> infree[a] = 0 :: else -> a = 0 fi }
     if
     :: a ->
#ifndef M_STALE_NEXT
        nxt[a] = 0;
#endif
        place[a] = HELD(0,0); d_step { assert(!bits[a]); bits[a] = 1 };
        busy[0] = 0; break
     :: else -> busy[0] = 0; (infree[1] || infree[2] || infree[3] || infree[NS])
     fi
  od
}
inline free(a) { d_step { assert(!infree[a] && !bits[a]); infree[a] = 1 } }

proctype Producer() {
  byte a, b;
start:
  {
    do
    :: given == NF -> break
    :: given < NF ->
       if :: !a -> claim(a) :: else fi;
       if :: !b -> claim(b) :: else fi;
       /* one slot suffices, or both are a chain */
       if
       :: b ->
#ifdef M_BITS_FIRST
          bits[b] = 0; nxt[a] = b;
#else
          nxt[a] = b; bits[b] = 0;
#endif
          b = 0
       :: skip
       fi;
       enter(0);
       place[a] = HELD(0,0); bits[a] = 1;                /* fanClaimed */
       d_step { pout = a; prec = 1; given++ };           /* publishes: the commit */
       place[a] = ON;
       d_step { ring[nr] = a; nr++ };
       prec = 0;
       d_step { pout = 0; a = 0; busy[0] = 0 }
    od;
    skip;
    if :: b -> enter(0); bits[b] = 0; free(b); b = 0; busy[0] = 0 :: else fi;
    fin[0] = 1
  } unless (kill[0] && !fin[0]);
  if :: !fin[0] -> d_step { a = 0; b = 0; dead[0] = 1 }; !dead[0]; goto start :: else fi
}
proctype Consumer() {
  byte x, y, i;
start:
  {
    do
    :: got == NF -> break
    :: got < NF && nr ->
       enter(1);
       d_step { x = ring[0]; nr--; i = 0; do :: i < nr -> ring[i] = ring[i+1]; i++ :: else -> break od; ring[nr] = 0; i = 0 };
       place[x] = HELD(1,1);
       busy[1] = 0;
       /* readChain */
       d_step { y = nxt[x]; assert(bits[x] && !infree[x]); assert(!y || (!bits[y] && !infree[y])); y = 0 };
       enter(1);
       d_step { cin = x; crec = 1; got++ };              /* publishes: the commit */
#ifdef M_TAIL_FIRST
       y = nxt[x]; if :: y -> free(y) :: else fi; bits[x] = 0; free(x);
#else
       bits[x] = 0;
       do
       :: x ->
#ifdef M_READ_LATE
          free(x); y = nxt[x];
#else
          y = nxt[x]; free(x);
#endif
          d_step { x = y; y = 0 }
       :: else -> break
       od;
#endif
       crec = 0;
       d_step { cin = 0; x = 0; y = 0; busy[1] = 0 }
    od;
    fin[1] = 1
  } unless (kill[1] && !fin[1]);
  if :: !fin[1] -> d_step { x = 0; y = 0; i = 0; dead[1] = 1 }; !dead[1]; goto start :: else fi
}
proctype Census() {
  byte s, j; bool r[NS+1], here, D[2];
  do
  :: fin[0] && fin[1] -> break
  :: d_step { !kill[0] && !fin[0] && ncr < NCRASH -> kill[0] = 1; ncr++ }
  :: d_step { !kill[1] && !fin[1] && ncr < NCRASH -> kill[1] = 1; ncr++ }
  :: (dead[0] || dead[1]) ->
     gate = 1; (dead[0] || !busy[0]); (dead[1] || !busy[1]);
     d_step {
       D[0] = dead[0]; D[1] = dead[1];
       if :: D[0] && prec && bits[pout] && place[pout] == HELD(0,0) -> place[pout] = ON; ring[nr] = pout; nr++ :: else fi;
       if :: D[1] && crec && bits[cin] && place[cin] == HELD(1,1) ->
#ifdef M_TAIL_FIRST
             if :: nxt[cin] -> assert(!infree[nxt[cin]] && !bits[nxt[cin]]) :: else fi;
#endif
             bits[cin] = 0
          :: else fi;
       if :: D[0] -> prec = 0; pout = 0 :: else fi; if :: D[1] -> crec = 0; cin = 0 :: else fi;
       s = 1;
       do
       :: s <= NS ->
          if :: bits[s] && place[s] == HELD(0,0) && D[0] -> bits[s] = 0
             :: bits[s] && place[s] == HELD(1,1) && D[1] -> place[s] = ON
             :: else fi;
          if :: bits[s] && place[s] == ON ->
                here = 0; j = 0; do :: j < nr -> if :: ring[j] == s -> here = 1 :: else fi; j++ :: else -> break od;
                if :: !here -> ring[nr] = s; nr++ :: else fi
             :: else fi; s++
       :: else -> break
       od;
#ifndef M_NO_REACH
       s = 1; do :: s <= NS -> if :: bits[s] && nxt[s] -> r[nxt[s]] = 1 :: else fi; s++ :: else -> break od;
#endif
       s = 1;
       do
       :: s <= NS -> assert(!(infree[s] && bits[s])); if :: !bits[s] && !infree[s] && !r[s] -> infree[s] = 1 :: else fi; s++
       :: else -> break
       od;
       s = 1; do :: s <= NS -> r[s] = 0; s++ :: else -> break od;
       if :: D[0] -> busy[0] = 0 :: else fi; if :: D[1] -> busy[1] = 0 :: else fi; s = 0; j = 0; here = 0
     };
     gate = 0;
     d_step { if :: D[0] -> kill[0] = 0; dead[0] = 0; D[0] = 0 :: else fi; if :: D[1] -> kill[1] = 0; dead[1] = 0; D[1] = 0 :: else fi }
  od;
  skip;
  d_step { assert(got == NF && given == NF && nr == 0); s = 1; do :: s <= NS -> assert(infree[s] && !bits[s]); s++ :: else -> break od }
}
init {
  byte i;
  atomic { i = 1; do :: i <= NS -> infree[i] = 1; i++ :: else -> break od; run Producer(); run Consumer(); run Census() }
}
