/* join.pml: two inputs brought together by ordinal. JoinInputs (take, #fill, #decide, #mayCome, #unmatched, #drop, hand), the
 * commit of an event (WorkCommit.fill), dropHeld, the lanes, attempts and records of Census.run, the bell of the stage.
 * One step for each access to memory that others write, a death of the joiner between any two; the census is one step. Only the
 * joiner dies, so that there is no gate.
 *
 * Frames 0 .. NO-1 come on either input or end before it, one leaf each; then, with nothing under way, frame NO ends the series on
 * both. What an array does is ordered.pml's: here a producer puts its frames in their order, one step a cell. A reference is
 * 2*ordinal+input. told: how each leaf ended: 1 before the join, 2 in an event, 3 unmatched, 4 as an end, 5 given up.
 *
 * -DNO frames  -DNCRASH  -DLIMA deaths with which a frame is given up  -DSHARE both inputs of a frame are one slot
 * -DFULL what ends the series on input 0 is a frame (of a flush), and not empty
 * -DTIME the inputs are of two sources: what has no partner waits for a time
 * mutants: M_EAGER      what is not there will not come             M_NEXT_FIRST next is read before the look for a frame
 *          M_SILENT     a settlement rings no bell                  M_NO_DROPREC a drop without a record (with LIMA)
 *          M_UNNAMED    the partner is not in the record            M_BACK       what the dead held goes back to its cell
 *          M_LANE_LAST  the lane is read after the array            M_LEFT_OUT   who was on its way out is in no lane
 *          M_ATT_TWICE  the references of a slot share one count (with SHARE)
 *          M_END_WAITS  the end on the second input waits for a partner
 */
#ifndef NCRASH
#define NCRASH 1
#endif
#ifndef NO
#define NO 2
#endif
#ifndef LIMA
#define LIMA 99
#endif
#define NR (2*(NO+1))
#define NONE 99
#define R(n,i) (2*(n)+(i))
#define ON 1
#define HELD 2
#define LANE 3
#define GONE 9
byte place[NR], told[NR], next[2], att[NR];
bool cell[NR], shut[NR];                 /* shut: the leaf is not open any more */
bool ends, closed;                       /* the end was committed; nothing comes any more */
bool asleep;                             /* the bell of the stage; its words are park.pml's */
bool rec, pair, drec; byte rin, dref, dcode;
bool kill, dead, fin;
byte ncr, made[NO+1], events[NO+1], ended;

#ifdef SHARE
#define SLOT(r) ((r)/2)
#else
#define SLOT(r) (r)
#endif

inline ring() { asleep = 0 }
/* outcome and open as one step: told is not read by anybody. */
inline end(r, c) { assert(!told[r] || told[r] == c); if :: !told[r] -> told[r] = c; ended++ :: else fi; shut[r] = 1 }
inline settle(r, c) {
  d_step { end(r, c) };
#ifndef M_SILENT
  ring();
#endif
  skip
}

/* Puts frame after frame into its array, or ends them before. */
proctype Producer(byte i) {
  byte n;
  do
  :: n < NO ->
     if
     :: d_step { made[n] = made[n] | (1 << i); place[R(n,i)] = ON; cell[R(n,i)] = 1 };
        if :: next[i] == n -> ring() :: else fi
     :: settle(R(n,i), 1)
     fi; n++
  :: d_step { n == NO && ends -> place[R(n,i)] = ON; cell[R(n,i)] = 1 }; if :: next[i] == n -> ring() :: else fi; break
  od
}
proctype Ingress() {
  ended == 2*NO; ends = 1;               /* everything is settled: the end goes out */
  ended == 2*NO+2; d_step { closed = 1; asleep = 0 }
}

inline drop(i, c) {
#ifndef M_NO_DROPREC
  d_step { dref = R(head[i],i); dcode = c; drec = 1 };        /* publishes: the drop */
#endif
  settle(R(head[i],i), c);
  place[R(head[i],i)] = GONE;
  d_step { drec = 0; dref = 0; dcode = 0; head[i] = NONE }
}
inline fromLane(i) {
  n = 0; do :: n <= NO && place[R(n,i)] != LANE -> n++ :: else -> break od;
  if :: n <= NO -> head[i] = n; place[R(n,i)] = HELD :: else fi; n = 0
}
#define FIRST(i) R(next[i],i)
/* A frame of the lane, or of the array; what ended before is passed over. Only the joiner writes next. */
inline fill(i) {
  over[i] = closed;
#ifdef M_NEXT_FIRST
  came[i] = next[i];
#endif
#ifndef M_LANE_LAST
  d_step { fromLane(i) };
#endif
  do
  :: head[i] == NONE && next[i] <= NO && cell[FIRST(i)] -> cell[FIRST(i)] = 0; d_step { place[FIRST(i)] = HELD; head[i] = next[i]; next[i]++ }; break
  :: d_step { head[i] == NONE && next[i] <= NO && !cell[FIRST(i)] && shut[FIRST(i)] -> next[i]++ }
  :: head[i] != NONE || next[i] > NO || (!cell[FIRST(i)] && !shut[FIRST(i)]) -> break
  od;
#ifdef M_LANE_LAST
  skip;
  d_step { if :: head[i] == NONE -> fromLane(i) :: else fi };
#endif
#ifndef M_NEXT_FIRST
  if :: head[i] == NONE -> came[i] = next[i] :: else fi
#endif
}
#define EMPTYEND(i) (head[i] == NO && (i == 1 || !whole))
#ifdef M_EAGER
#define MAYCOME(i) 0
#else
#ifdef TIME
#define MAYCOME(i) (!over[i] && !late)
#else
#define MAYCOME(i) (!over[i] && came[i] <= LEAST)
#endif
#endif
#define LACKS(i) (head[i] == NONE -> !(MAYCOME(i)) : head[i] != LEAST)
#define LEAST (head[0] < head[1] -> head[0] : head[1])
#define NOTHING 0
#define EVENT 1
#define ALONE 2
inline take() {
  do
  :: if :: head[0] == NONE -> fill(0) :: else fi;
     if :: head[1] == NONE -> fill(1) :: else fi;
     if
     :: EMPTYEND(0) -> found = ALONE; break
#ifndef M_END_WAITS
     :: !EMPTYEND(0) && EMPTYEND(1) -> drop(1, 4)
     :: !EMPTYEND(0) && !EMPTYEND(1) ->
#else
     :: !EMPTYEND(0) ->
#endif
        if
        :: LEAST == NONE -> found = NOTHING; break
        :: LEAST != NONE && (LACKS(0) || LACKS(1)) ->
           if
           :: head[0] == NO -> found = ALONE; break
           :: head[0] == LEAST && head[0] != NO -> both = (head[1] == head[0]); drop(0, 3); if :: both -> drop(1, 3); both = 0 :: else fi
           :: head[0] != LEAST -> drop(1, 3)
           fi
        :: else -> found = (head[0] != NONE && head[1] != NONE -> EVENT : NOTHING); break
        fi
     fi
  od;
  skip;
  d_step { over[0] = 0; over[1] = 0; came[0] = 0; came[1] = 0 }
}
/* The record of an event, or of what goes on alone: settled, the inputs released. */
inline finish() {
  settle(rin, (rin/2 == NO -> 4 : 2));
  place[rin] = GONE;
  if
  :: pair -> settle(rin+1, 2); place[rin+1] = GONE
  :: else
  fi
}
proctype Joiner() {
  byte n, found; byte head[2], came[2]; bool over[2], whole, late, both;
start:
  {
    head[0] = NONE; head[1] = NONE;
#ifdef FULL
    whole = 1;
#endif
    do
    :: found = closed; late = found;     /* closed is read before */
       take();
       if
       :: found == NOTHING && late && closed -> assert(head[0] == NONE && head[1] == NONE); break
       :: found == NOTHING && !(late && closed) ->
          late = 0;
          asleep = 1;
          take();
          if
          :: found == NOTHING ->
#ifdef TIME
             if :: !asleep || closed :: late = 1 fi;
             if :: late -> take() :: else fi;
#else
             !asleep || closed;      /* that it is closed is seen by time (park.pml) */
#endif
             skip
          :: else
          fi;
          asleep = 0
       :: else
       fi;
       late = 0;
       if
       :: found != NOTHING ->
          d_step { assert(found == ALONE || head[0] == head[1]); assert(found == EVENT || head[0] == NO) };
          d_step {                       /* publishes: the commit */
            rec = 1; rin = R(head[0],0); pair = (found == EVENT); events[head[0]]++; assert(events[head[0]] == 1);
            if :: pair -> head[1] = NONE :: else fi; head[0] = NONE
#ifdef M_UNNAMED
            ; if :: pair -> pair = 0; n = rin+1 :: else fi
#endif
          };
          finish();
#ifdef M_UNNAMED
          if :: n -> settle(n, 2); place[n] = GONE; n = 0 :: else fi;
#endif
          d_step { rec = 0; rin = 0; pair = 0 }
       :: else
       fi;
       found = 0
    od;
    fin = 1
  } unless (kill && !fin);
  if
  :: !fin -> d_step { n = 0; found = 0; head[0] = 0; head[1] = 0; came[0] = 0; came[1] = 0; over[0] = 0; over[1] = 0; late = 0; whole = 0; both = 0; dead = 1 };
     !dead; goto start
  :: else
  fi
}

#ifdef M_ATT_TWICE
#define ATT(r) SLOT(r)
#else
#define ATT(r) (r)
#endif
proctype Census() {
  byte r;
  do
  :: fin -> break
  :: d_step { !kill && !fin && ncr < NCRASH -> kill = 1; ncr++ }
  :: d_step { dead ->
       if :: drec -> end(dref, dcode); place[dref] = GONE :: else fi;
       if :: rec -> end(rin, (rin/2 == NO -> 4 : 2)); place[rin] = GONE; if :: pair -> end(rin+1, 2); place[rin+1] = GONE :: else fi :: else fi;
       drec = 0; dref = 0; dcode = 0; rec = 0; rin = 0; pair = 0; r = 0;
       do
       :: r < NR && place[r] == HELD ->
          att[ATT(r)]++;
          if
          :: att[ATT(r)] >= LIMA -> end(r, 5); place[r] = GONE
          :: else ->
#ifdef M_BACK
             place[r] = ON; cell[r] = 1
#else
             place[r] = LANE
#endif
          fi; r++
#ifndef M_LEFT_OUT
       :: r < NR && place[r] == ON && !cell[r] -> place[r] = LANE; r++   /* out of its cell, and its place does not say so yet */
#endif
       :: else -> if :: r < NR -> r++ :: else -> break fi
       od;
       r = 0;
       asleep = 0; kill = 0; dead = 0 }
  od;
  skip;
  d_step {
    r = 0;
    do
    :: r < NO ->
       assert(told[R(r,0)] && told[R(r,1)]);
       assert(!(made[r] & 1) == (told[R(r,0)] == 1)); assert(!(made[r] & 2) == (told[R(r,1)] == 1));
       assert((told[R(r,0)] == 2) == (events[r] == 1) && (told[R(r,1)] == 2) == (events[r] == 1));
#ifndef TIME
       assert(made[r] != 3 || events[r] || (told[R(r,0)] == 5 || told[R(r,1)] == 5));
#endif
       assert((told[R(r,0)] != 5 && told[R(r,1)] != 5) || NCRASH >= LIMA);
       r++
    :: else -> break
    od;
    assert((told[R(NO,0)] == 4) == (events[NO] == 1));
    assert(told[R(NO,0)] == 4 || (told[R(NO,0)] == 5 && NCRASH >= LIMA));
    assert(told[R(NO,1)] == 4 || (told[R(NO,1)] == 5 && NCRASH >= LIMA))
  }
}
init { atomic { run Ingress(); run Producer(0); run Producer(1); run Joiner(); run Census() } }
