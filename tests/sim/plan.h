/* What a run is: everything that its seed decides before it begins.
 *
 * The faults are drawn in advance, each with a number: "from step 130 on, the second commit of seat 1: its answer is
 * lost". So a run can be repeated with some of its faults and some of its events only, which is how a failing one is
 * made small. A fault whose moment never comes does nothing. */
#ifndef LEADSTREAM_SIM_PLAN_H
#define LEADSTREAM_SIM_PLAN_H

#include "sim/dice.h"

#include <stddef.h>

enum {
    PLAN_TOPICS = 3,
    PLAN_SHARDS = 4,
    PLAN_LEADS = 12,
    PLAN_SEATS = 3,
    PLAN_EVENTS = 160,
    PLAN_FAULTS = 160,
    PLAN_ANY_SEAT = 255
};

/* How the events come, which decides what can be asked of the result (oracle.h). */
enum plan_mode {
    PLAN_BACKLOG,   /* all are there before the first start, in any disorder */
    PLAN_LIVE,      /* they come while the workers run, none late */
    PLAN_WILD,      /* they come late too, ends are seen late, clocks jump both ways */
    PLAN_MODES
};

/* The calls of the ports, by X(symbol, name in stories, can fail). */
#define PLAN_SITES(X)                                                                                                 \
    X(ANY, "any call", true)                                                                                          \
    X(POLL, "poll", true)                                                                                             \
    X(HEAD, "head", false)                                                                                            \
    X(TAKE, "take", false)                                                                                            \
    X(RELEASE, "release", false)                                                                                      \
    X(COMMITTED, "committed", true)                                                                                   \
    X(FIRST, "first", true)                                                                                           \
    X(SEEK, "seek", true)                                                                                             \
    X(INIT, "init", true)                                                                                             \
    X(BEGIN, "begin", true)                                                                                           \
    X(EMIT, "emit", true)                                                                                             \
    X(FORGET, "forget", true)                                                                                         \
    X(REJECT, "reject", true)                                                                                         \
    X(LOG, "log", true)                                                                                               \
    X(SEND, "send_offsets", true)                                                                                     \
    X(COMMIT, "commit", true)                                                                                         \
    X(ABORT, "abort", true)                                                                                           \
    X(RETIRE, "retire", false)                                                                                        \
    X(LOG_BOUNDS, "log_bounds", true)                                                                                 \
    X(LOG_OPEN, "log_open", true)                                                                                     \
    X(LOG_READ, "log_read", true)                                                                                     \
    X(LOG_CLOSE, "log_close", false)                                                                                  \
    X(OPEN, "store.open", true)                                                                                       \
    X(CLOSE, "store.close", false)                                                                                    \
    X(LOAD, "store.load", true)                                                                                       \
    X(WRITE, "store.write", true)                                                                                     \
    X(DUE, "store.due", true)                                                                                         \
    X(BUILD, "store.build", true)                                                                                     \
    X(BUILD_PUT, "store.build_put", true)                                                                             \
    X(BUILD_DONE, "store.build_done", true)

enum plan_site {
#define X(symbol, name, fails) SITE_##symbol,
    PLAN_SITES(X)
#undef X
    SITES
};

/* X(symbol, name). Those above WORLD happen in a call of a port, the others between two turns. */
#define PLAN_KINDS(X)                                                                                                 \
    X(CRASH, "crash")               /* kill -9 */                                                                     \
    X(POWER, "power cut")           /* the machine: what was not synced may be lost */                                \
    X(TIMEOUT, "time-out")          /* not done */                                                                    \
    X(ANSWER_LOST, "answer lost")   /* done, but nobody says so */                                                    \
    X(LATER, "request delayed")     /* done after `arg` ms, or never */                                               \
    X(ABORTABLE, "abortable error")                                                                                   \
    X(FATAL, "fatal error")         /* of the producer */                                                             \
    X(DISK, "disk error")                                                                                             \
    X(BUSY, "disk busy")            /* not done, again later */                                                       \
    X(SLOW, "slow call")            /* `arg` ms, the heart goes on beating */                                         \
    X(FREEZE, "freeze")             /* `arg` ms, all of the process stands still */                                   \
    X(REPLACE, "replaced")          /* frozen, and another process takes the seat on another disk */                  \
    X(WORLD, "")                                                                                                      \
    X(REBALANCE, "rebalance")                                                                                         \
    X(EVICT, "evicted")             /* the group gives a member's shards away */                                      \
    X(STOP, "stopped")              /* as by SIGTERM; `arg` odd: leaves the group */                                  \
    X(CLOCK, "clock jump")          /* the wall clock of an instance moves by `arg` ms */                             \
    X(SLEEP, "time passes")         /* `arg` ms in which nobody does anything */                                      \
    X(COMPACT, "compaction")                                                                                          \
    X(WIPE, "disk wiped")                                                                                             \
    X(OLD_COPY, "old copy of the disk")                                                                               \
    X(OTHER_DISK, "disk of another instance")                                                                         \
    X(FULL_DISK, "disk full")       /* for `arg` ms */                                                                \
    X(BROKER_DOWN, "broker down")   /* for `arg` ms */                                                                \
    X(SLOW_MARKERS, "slow markers") /* for `arg` ms, control markers take long */                                     \
    X(STALL, "fetches stall")       /* for `arg` ms */

enum plan_kind {
#define X(symbol, name) FAULT_##symbol,
    PLAN_KINDS(X)
#undef X
    FAULTS
};

struct plan_fault {
    uint32_t number;
    uint32_t step;          /* not before this step of the world */
    enum plan_kind kind;
    enum plan_site site;
    uint8_t seat;           /* PLAN_ANY_SEAT: whoever calls */
    uint32_t skip;          /* so many such calls pass first */
    uint16_t times;         /* so many such calls in a row */
    bool after;             /* a crash: after the call had its effect */
    int64_t arg;
    bool done;
};

/* Numbers that a run is kept to. */
struct plan_set {
    bool given; /* false: all */
    bool has[PLAN_EVENTS > PLAN_FAULTS ? PLAN_EVENTS : PLAN_FAULTS];
};

/* Reads "1,4,9-12" ("-": none). False: not such a text. */
bool plan_set_parse(struct plan_set *set, const char *text);
/* Writes it the same way. */
void plan_set_print(const struct plan_set *set, char *out, size_t n);
bool plan_set_has(const struct plan_set *set, uint32_t number);

struct plan {
    uint64_t seed;
    enum plan_mode mode;
    uint32_t seats;         /* workers */
    struct plan_set faults_kept, events_kept;
    bool by_hand;           /* faults and events are a scenario's, or a sweep's: none are drawn */

    /* Drawn from the seed. */
    uint16_t topics;
    uint32_t shards, leads, events;
    uint32_t instances;     /* machines; seat i is on i % instances */
    uint32_t steps;         /* in which faults may come */
    size_t max_events, cache_bytes, search_budget;
    int64_t lag;
    uint32_t commit_tries;
    uint32_t yield;         /* one call in so many lets the others run; 0: none */
    uint32_t n_faults;
    struct plan_fault faults[PLAN_FAULTS];
};

/* A crash at the call with this number, counted from 0, of all calls of the run, and nothing else. */
void plan_crash_at(struct plan *plan, uint32_t call, enum plan_kind kind, bool after);

/* Fills in what the seed decides; mode and seats are drawn too, unless they are given (mode < PLAN_MODES, seats > 0). */
void plan_draw(struct plan *plan);

const char *plan_mode_name(enum plan_mode mode);
const char *plan_kind_name(enum plan_kind kind);
const char *plan_site_name(enum plan_site site);
bool plan_site_fails(enum plan_site site);

#endif
