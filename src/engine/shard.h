/* What the engine's rooms share: the engine, and one shard of it. Private to src/engine.
 *
 *   shard.c      how it is named and told of
 *   engine.c     one turn, and what the poll loop says
 *   batch.c      take events, apply them, fire timers
 *   commit.c     a batch's end
 *   resync.c     bring a shard up to date: start, rebalance, abort, crash, all the same
 *   writeback.c  committed leads into the store, later and together
 *   condemned.c  items that cannot be applied
 *   blame.c      which item it is, should the process fail */
#ifndef LEADSTREAM_SHARD_H
#define LEADSTREAM_SHARD_H

#include "engine/cache.h"
#include "engine/changelog.h"
#include "engine/timers.h"

enum {
    ENGINE_SLICE = 512,         /* items taken and applied together */
    ENGINE_SLICES = 16,         /* slices between two looks at the poll loop */
    ENGINE_FIRES = 4096,        /* timers fired for a shard in one batch */
    ENGINE_TIMED = 20000,       /* records by time after which no more timers fire in a batch */
    ENGINE_MAX_CONDEMNED = 1024, /* items; more than a slice has */
    ENGINE_WRITES = 2000,       /* leads in one write to the store */
    ENGINE_ENTRIES = 1000,      /* changelog records read at once */
    ENGINE_MAX_FAILURES = 10    /* batches lost in a row before the process ends */
};

/* The way of a shard from "ours" to "live"; resync.c has the steps. */
enum shard_phase {
    SHARD_OPEN,         /* the store is to be opened for it */
    SHARD_COMMITTED,    /* the committed offsets are to be asked for */
    SHARD_BOUNDS,       /* so is the end of the changelog */
    SHARD_BIRTH,        /* the changelog's first record is to be compared with the store's */
    SHARD_READ,         /* the changelog is read into the store */
    SHARD_VERIFY,       /* its last shard record must agree with the committed offsets */
    SHARD_LIVE
};

struct shard {
    uint32_t number;
    enum shard_phase phase;
    bool leaving;       /* revoked, to be written and let go of as soon as the poll is over */
    struct store_shard stored;
    bool building;      /* the store's shard is being built from nothing */
    struct changelog_shard record; /* the last that is known; its topics may be more than today's */
    bool has_record;

    int64_t committed[ENGINE_MAX_TOPICS]; /* resync: what the group has */
    bool any_committed;
    int64_t log_first, log_target, log_at; /* resync: of the changelog */
    uint64_t restored;

    int64_t next[ENGINE_MAX_TOPICS];    /* offsets to commit */
    int64_t newest[ENGINE_MAX_TOPICS];  /* newest event time taken, LEAD_NEVER: none since the shard is live */
    bool at_end[ENGINE_MAX_TOPICS];     /* ended, and nothing was taken from it in this turn */
    uint32_t took;      /* a bit for each topic that something was taken from in this turn */
    uint32_t behind;    /* a bit for each topic of which there is still a record from before `live_since` to take */
    int64_t live_since; /* wall clock ms */
    int64_t ended_at;   /* monotonic ms since when all partitions are at their end, -1: they are not */
    int64_t clock;      /* what fires timers */

    bool involved;      /* in the open batch */
    bool scanned;       /* timers on disk were fired since the last write */
    int64_t log_end;    /* the changelog after our last commit */
    struct timers timers; /* of unwritten leads */
    int64_t disk_due;   /* at or before the earliest timer on disk */
    struct cache_entry *oldest, *newest_entry; /* unwritten leads, by `since` */
    size_t n_unwritten, n_urgent;
    bool doubtful;      /* nobody said whether the batch that it was in was committed: its changelog will */
    int64_t record_at;  /* offset of the last shard record that was read back */
};

struct engine {
    struct engine_options o;
    size_t n_topics;
    uint64_t topic_hashes[ENGINE_MAX_TOPICS];
    struct scorer *scorer;
    struct cache *cache;
    struct arena *arena;        /* one slice's, or one write's */
    struct shard *shards[ENGINE_MAX_SHARDS];
    size_t n_shards;
    size_t turn;                /* the shard that begins the next turn */

    int64_t mono, wall;         /* of this turn */
    bool ready;                 /* the sink has its transactional id */
    uint32_t failures;          /* batches lost since the last commit */
    int64_t rest_until;         /* monotonic ms: back-off after a failure */
    int64_t auth_since, auth_seen; /* monotonic ms: since when we are not let in, and the last news of it; 0: never */
    struct err broken;          /* set by a callback in which a batch was lost; code NONE: none was */

    bool open;                  /* a transaction has begun */
    bool full;                  /* it is to be committed at the first chance */
    bool mid_record;            /* an array's entries are being taken: no commit before the last */
    uint16_t mid_topic;
    uint32_t mid_shard;
    int64_t began;              /* monotonic ms */
    size_t batch_events;
    size_t batch_timed;         /* records by time in it */
    struct engine_place last;   /* the last item that was applied in it; not busy: none was */
    volatile struct engine_place *parts; /* the last one taken of each of its partitions */
    size_t n_parts, cap_parts;
    struct cache_entry **touched;
    size_t n_touched, cap_touched;

    const struct intake *items[ENGINE_SLICE];
    struct cache_entry *entries[ENGINE_SLICE];
    uint8_t *value;             /* one lead's value, cap_value bytes */
    size_t cap_value;
    struct engine_condemned *condemned; /* not to be applied, the latest last */
    size_t n_condemned;
    bool condemning;            /* the batch is lost for an item that was condemned just now */
    volatile struct engine_place nowhere; /* where nobody wants to know the place */
    bool asked;                 /* the open batch's commit was begun: it may be committed, whatever the answer */
    struct engine_tally batch, doubted; /* of the open batch; of the last one that was lost after its commit was begun */
    struct engine_counts counts;
};

/* "changelog[3]", for the `where` of an error; lent until the next call. */
const char *engine_where(struct engine *engine, const struct shard *shard, char *buffer, size_t n);
void engine_tell(struct engine *engine, enum engine_event event, uint32_t shard, uint64_t count, const struct err *why);
/* What a topic does not take and is no event's doing (an output by time, a lead's value, a dead letter) must not get
 * lost: the process ends, with these words, until the topic takes it. Returns false. */
bool engine_stuck(struct err *e);
/* True where the batch may be lost and the engine goes on; false: the process must end. */
bool engine_recoverable(enum err_code code);

/* ---- batch.c ---- */
/* Takes and applies up to a slice of a shard's events; *n is how many. */
bool batch_take(struct engine *engine, struct shard *shard, size_t *n, struct err *e);
/* Moves the shard's clock and fires the timers that are due. */
bool batch_time(struct engine *engine, struct shard *shard, struct err *e);
/* Loads new entries of one shard from the store (or finds that they are new). */
bool batch_load(struct engine *engine, struct shard *shard, struct cache_entry **entries, size_t n, struct err *e);

/* ---- condemned.c ---- */
/* Why an item must not be applied; NULL: it may. */
const struct err *condemned_why(const struct engine *engine, const struct intake *item);
/* Why the lead's timer must not fire; NULL: it may. */
const struct err *condemned_timer(const struct engine *engine, const struct cache_entry *entry);
/* From now on this item must not be applied: what it would publish cannot be. The batch must be lost, as its lead is
 * half changed. */
void condemned_add(struct engine *engine, const struct intake *item, const struct err *why);
/* Forgets those of a shard that are before its committed offsets. */
void condemned_passed(struct engine *engine, const struct shard *shard);

/* ---- commit.c ---- */
/* Ends the open transaction. */
bool commit_batch(struct engine *engine, struct err *e);
/* Drops what is not committed, and all leads in memory; every shard goes back to SHARD_COMMITTED. */
void commit_drop(struct engine *engine);
/* It is known whether the batch that the shard was in when its commit was not answered was committed. */
void commit_told(struct engine *engine, const struct shard *shard, bool committed);

/* ---- blame.c ---- */
struct engine_place blame_place(const struct intake *item);
/* These items, of one shard and in their order, were taken into the batch. */
void blame_took(struct engine *engine, const struct intake *const *items, size_t n);
/* The process is at this item; or at one of the n of a batch that came up to `last`; or at none. */
void blame_item(struct engine *engine, const struct intake *item);
void blame_items(struct engine *engine, struct engine_place last, size_t n);
/* Or at this lead's timer. */
void blame_timer(struct engine *engine, const struct cache_entry *entry);
void blame_none(struct engine *engine);
/* Are items to be taken one by one, each in a batch without timers? */
bool blame_careful(const struct engine *engine);
/* The most items of a batch. */
size_t blame_limit(const struct engine *engine);

/* ---- resync.c ---- */
/* One step on the way to SHARD_LIVE. A RETRY error leaves the phase as it is. */
bool resync_step(struct engine *engine, struct shard *shard, struct err *e);

/* ---- writeback.c ---- */
/* The lead is not in the store as it is in memory. */
void writeback_mark(struct engine *engine, struct shard *shard, struct cache_entry *entry);
/* Writes what is urgent or has waited for the lag; all of it if `all`. Never while a transaction is open. */
bool writeback_run(struct engine *engine, struct shard *shard, bool all, struct err *e);
/* Forgets the list (its leads are about to be dropped). */
void writeback_clear(struct shard *shard);

#endif
