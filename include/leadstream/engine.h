/* The three ports through which the engine reaches the world: source (events of the shards that are ours), sink (one
 * transaction at a time, and the changelog read back), store (leads, timers, positions on disk).
 *
 * A shard is a Kafka partition number, the same over all input topics. Ports are structs of functions and `self`;
 * kafka_source, kafka_sink and rocks_store are the real ones, plain_* (adapters/plain) those of memory. Every function
 * that can fail fills a struct err whose class says what the engine does (err.h). No function blocks for longer than
 * its `wait` (ms), or, where it has none, than a few seconds. */
#ifndef LEADSTREAM_ENGINE_H
#define LEADSTREAM_ENGINE_H

#include <leadstream/score.h>

enum {
    ENGINE_MAX_TOPICS = 32,     /* input topics */
    ENGINE_MAX_SHARDS = 1024    /* of one worker */
};

#define ENGINE_NO_OFFSET INT64_C(-1) /* none committed, none known */
/* For the index of an entry: all of its record, decoded or not; some item of the batch that came up to it. */
#define ENGINE_WHOLE_RECORD UINT32_MAX
#define ENGINE_WHOLE_BATCH (UINT32_MAX - 1)
/* ..; no item, but a lead's timer: `offset` is the due time (ms), `lead` the hash of its id (event_hash). */
#define ENGINE_TIMER (UINT32_MAX - 2)
/* The topic of a dead letter that is no record of the input but a timer. */
#define ENGINE_NO_TOPIC UINT16_MAX

/* ------------------------------------------------------------------------------------------------ places */

/* What of the input a thread is at work on: written before the work, for whoever handles a crash in it, on the same
 * thread. index ENGINE_WHOLE_RECORD: it is being decoded; ENGINE_WHOLE_BATCH: it is not known which item of a batch. */
struct engine_place {
    bool busy;
    uint16_t topic;
    uint32_t shard;
    uint32_t index;
    int64_t offset;
    uint64_t lead; /* ENGINE_TIMER */
    /* ENGINE_WHOLE_BATCH: how far the batch has come in each of its partitions, this one among them. */
    size_t n_parts;
    const volatile struct engine_place *parts;
};

/* An item of the input that must not be applied: it goes to the dead letters. index ENGINE_WHOLE_RECORD: all entries of
 * its record, which is not even decoded. ENGINE_WHOLE_BATCH: none, but up to this one items are taken one by one.
 * ENGINE_TIMER: a timer that must not fire; a dead letter says so, and its lead has none until its next event. */
struct engine_condemned {
    uint16_t topic;
    uint32_t shard;
    uint32_t index;
    int64_t offset;
    struct err why; /* a REJECT; `where` says the place, for the log */
    uint64_t lead;  /* ENGINE_TIMER */
};

/* The first of these that holds for an item; NULL: none does. */
const struct engine_condemned *engine_condemned_find(const struct engine_condemned *list, size_t n, uint16_t topic,
                                                     uint32_t shard, int64_t offset, uint32_t index);

/* ------------------------------------------------------------------------------------------------ source */

/* The next item of one input partition: an event, or a record (or an array's entry) that is bad. */
struct intake {
    uint16_t topic;         /* index of the input topic */
    uint32_t shard;
    int64_t offset;
    int64_t timestamp;      /* Kafka's, ms */
    bool last;              /* of its record: after it offset + 1 may be committed */
    bool bad;
    struct event event;     /* if not bad */
    const struct err *err;  /* if bad: a REJECT; by pointer, as 20,000 good items a batch need no room for one */
    struct bytes key;       /* the record as it came, for dead letters */
    struct bytes value;
    uint32_t index;         /* entry of an array */
    int64_t schema_id;      /* -1: none */
    void *native;           /* the adapter's own: the record's headers (struct kafka_headers); NULL: none */
};

enum source_head {
    SOURCE_ITEM,    /* *item is the next one */
    SOURCE_EMPTY,   /* nothing here yet, and the end was not seen since the last record: wait for it */
    SOURCE_END      /* the end of the partition was seen since the last record */
};

/* What the poll loop tells the engine; called from within poll(), on the engine's thread. */
struct source_listener {
    void *self;
    /* These shards are ours from now on. */
    void (*assigned)(void *self, const uint32_t *shards, size_t n);
    /* These go: commit now (lost: they have gone already, drop what is uncommitted). When it returns they are someone
     * else's. */
    void (*revoked)(void *self, const uint32_t *shards, size_t n, bool lost);
};

struct source {
    void *self;
    size_t n_topics;

    /* Runs the poll loop: callbacks of the listener, then waits up to `wait` ms for something to read. False: FATAL
     * (fenced, authentication), or RETRY. */
    bool (*poll)(void *self, const struct source_listener *listener, int wait, struct err *e);
    /* Looks at the next item of (topic, shard) without taking it; decodes it if need be. */
    enum source_head (*head)(void *self, uint16_t topic, uint32_t shard, const struct intake **item);
    /* Takes it. It stays valid until release(). */
    void (*take)(void *self, uint16_t topic, uint32_t shard);
    /* All taken items are done with. */
    void (*release)(void *self);
    /* The stable committed offsets of a shard by topic (ENGINE_NO_OFFSET: none). RETRY while a transaction is open. */
    bool (*committed)(void *self, uint32_t shard, int64_t *offsets, struct err *e);
    /* The first offsets that are still there, by topic: where a shard begins that was never committed. */
    bool (*first)(void *self, uint32_t shard, int64_t *offsets, struct err *e);
    /* Reading of the shard begins (again) at these offsets; what was fetched or taken of it before is dropped. */
    bool (*seek)(void *self, uint32_t shard, const int64_t *offsets, struct err *e);
};

/* ------------------------------------------------------------------------------------------------ sink */

/* A changelog record. Its key's first byte says what it is (engine/changelog.h). */
struct log_entry {
    int64_t offset;
    struct bytes key;
    struct bytes value;     /* at == NULL: a tombstone */
};

struct sink_offsets {
    uint32_t shard;
    const int64_t *offsets; /* next offset by topic, all >= 0 */
};

struct sink {
    void *self;

    /* Takes the transactional id: fences whoever had it and finishes its transaction. First of all, and again after
     * retire(). */
    bool (*init)(void *self, struct err *e);
    /* Begins a transaction, and remembers the group's metadata for it (before the poll loop can run again). */
    bool (*begin)(void *self, struct err *e);
    /* Publishes a record on its topic. */
    bool (*emit)(void *self, const struct record *record, struct err *e);
    /* A tombstone for a lead on the scores topic. */
    bool (*forget)(void *self, struct bytes lead, struct err *e);
    /* A dead letter: the item as it came, and why. Its topic may be ENGINE_NO_TOPIC: then key is the lead, value null,
     * offset the changelog's end, timestamp the due time. */
    bool (*reject)(void *self, const struct intake *item, const struct err *why, struct err *e);
    /* Appends to the shard's changelog; value.at == NULL: tombstone. */
    bool (*log)(void *self, uint32_t shard, struct bytes key, struct bytes value, struct err *e);
    /* Input offsets into the transaction. TIMEOUT: call again or abort; never commit. */
    bool (*send_offsets)(void *self, const struct sink_offsets *offsets, size_t n, struct err *e);
    /* RETRY: call again; UNKNOWN_OUTCOME: retire and resync. */
    bool (*commit)(void *self, struct err *e);
    /* How long these two take together of late (ms): an engine with nothing to read begins them so much sooner. May be
     * NULL: not known. */
    int64_t (*commit_takes)(void *self);
    bool (*abort)(void *self, struct err *e);
    /* After a commit: the changelog offset after the last record that this transaction wrote for the shard (from the
     * delivery report); ENGINE_NO_OFFSET if it wrote none. */
    int64_t (*log_end)(void *self, uint32_t shard);
    /* Gives the producer up, whatever state it is in. */
    void (*retire)(void *self);

    /* The changelog of a shard, read back. */
    /* First offset that is still there and the high watermark (read uncommitted). */
    bool (*log_bounds)(void *self, uint32_t shard, int64_t *first, int64_t *end, struct err *e);
    /* Starts reading (committed records only) at `from`. */
    bool (*log_open)(void *self, uint32_t shard, int64_t from, struct err *e);
    /* Up to max entries, lent until the next call; *position: all before it has been read (aborted and control records
     * count). 0 entries after `wait` ms is no error. */
    bool (*log_read)(void *self, int wait, struct log_entry *entries, size_t max, size_t *n, int64_t *position,
                     struct err *e);
    void (*log_close)(void *self);
};

/* ------------------------------------------------------------------------------------------------ store */

/* What the store knows of a shard besides leads. */
struct store_shard {
    bool known;             /* the store has held this shard before */
    uint8_t birth[16];      /* of the changelog partition that it was built from */
    int64_t birth_offset;
    int64_t from;           /* catch-up starts at this changelog offset */
    int64_t upto;           /* newest changelog offset that any lead in it reflects, plus 1 */
    int64_t written;        /* wall clock ms of the last write */
    bool erasures;          /* an erasure was ever remembered: leads that are not found must be looked up among them */
};

/* One change of a batch. Keys as in the changelog (engine/changelog.h). */
struct store_put {
    struct bytes key;
    struct bytes value;     /* at == NULL: delete */
    int64_t due;            /* the timer to have from now on, LEAD_NO_DUE: none */
    int64_t old_due;        /* the timer entry on disk to remove, LEAD_NO_DUE: none */
};

struct store_due {
    int64_t due;
    struct bytes key;       /* changelog key of the lead; lent until the next call */
};

struct store {
    void *self;

    /* Takes ownership of a shard in this process and reads what is known of it. RETRY: another worker still has it. */
    bool (*open)(void *self, uint32_t shard, struct store_shard *state, struct err *e);
    void (*close)(void *self, uint32_t shard);
    /* Values by key, of any kind; at == NULL where there is none. Lent until the next call. */
    bool (*load)(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values, struct err *e);
    /* Changes and the shard's new state in one write: all or nothing. */
    bool (*write)(void *self, uint32_t shard, const struct store_put *puts, size_t n, const struct store_shard *state,
                  struct err *e);
    /* Timers on disk with due <= until, from the earliest, at most max. */
    bool (*due)(void *self, uint32_t shard, int64_t until, struct store_due *out, size_t max, size_t *n,
                struct err *e);
    /* A shard is built from nothing, in any order of keys, later values winning: put any number of times (timers from
     * the values' due), then done makes it visible in one write and drops what was there before. A build that was not
     * done is given up by close() and by the next build(). */
    bool (*build)(void *self, uint32_t shard, struct err *e);
    bool (*build_put)(void *self, uint32_t shard, const struct store_put *puts, size_t n, struct err *e);
    bool (*build_done)(void *self, uint32_t shard, const struct store_shard *state, struct err *e);
    /* 128 bits of a keyed hash of a lead's id (HMAC-SHA-256): how an erased lead is remembered. */
    void (*erasure_key)(void *self, struct bytes lead, uint8_t out[16]);
};

/* ------------------------------------------------------------------------------------------------ engine */

/* What the engine handled itself and an operator should hear of. */
enum engine_event {
    ENGINE_ASSIGNED,    /* a shard is ours; it is being brought up to date */
    ENGINE_LIVE,        /* it is up to date and takes events; count = changelog records read for it */
    ENGINE_REVOKED,     /* it is no longer ours */
    ENGINE_RETRYING,    /* *why is in the way; tried again */
    ENGINE_CONDEMNED,   /* an item that must not be applied went to the dead letters, because of *why; `where` is it */
    ENGINE_RESYNC       /* a batch was lost because of *why; all shards are brought up to date again */
};

struct engine_options {
    const struct model *model;
    const struct source *source;
    const struct sink *sink;
    const struct store *store;
    const struct bytes *topics;     /* names of the input topics, source->n_topics of them */
    const char *changelog;          /* its topic's name, for messages */
    uint64_t erasure_key;           /* fingerprint of the erasure key, 0: none */
    size_t max_events;              /* of a batch */
    int64_t max_time;               /* ms from a batch's first event to the end of its commit; while there is more to
                                     * read, to its beginning, so that commits are not more often under load */
    int64_t lag;                    /* ms that a committed change may wait to be written to the store */
    int64_t grace, idle;            /* ms, of a shard's clock */
    int64_t stale_after;            /* ms after which a shard not written is built anew (half of delete.retention.ms) */
    size_t cache_bytes;             /* for leads in memory */
    size_t search_budget;           /* evaluations of a search for an instant */
    uint32_t commit_tries;          /* calls of commit() and send_offsets() that may time out before giving up */
    const struct engine_condemned *condemned; /* known before the start; copied */
    size_t n_condemned;
    volatile struct engine_place *place;      /* kept up to date while items are applied; NULL: nobody wants to know */
    void *host;                     /* passed to the two functions below */
    void (*random)(void *host, uint8_t out[16]);    /* for a birth record */
    void (*tell)(void *host, enum engine_event event, uint32_t shard, uint64_t count, const struct err *why);
};

/* What batches hold. Nothing but uint64_t: they are added one by one. */
struct engine_tally {
    uint64_t events, duplicates, dropped, late, machine, erased;    /* events: all that were read, these among them */
    uint64_t rejects, changes, ready;                               /* records published */
    uint64_t rejected[ERR_CODES_END];                               /* the rejects by code */
    uint64_t timers;                                                /* that changed something */
    uint64_t changelog_records, batches;
};

struct engine_counts {
    /* Never falls. A batch whose commit was not answered is in it as soon as the changelog has shown that it is there. */
    struct engine_tally committed;
    uint64_t timer_checks, cache_hits, cache_misses;                /* of lost batches too; timers that fired */
    uint64_t resyncs, restored, written;    /* restored: changelog records read back; written: leads put into the store */
    struct score_counts scored;
    uint64_t shards, shards_live, cache_bytes, cache_entries, unwritten;    /* now */
    int64_t clock_min;              /* the least clock of the live shards, LEAD_NEVER: none */
};

struct engine;

struct engine *engine_new(const struct engine_options *options);
void engine_free(struct engine **engine);

/* One turn: poll, resync, take events, fire timers, commit, write. `mono` is monotonic, `wall` since 1970 (ms). *worked
 * says whether there may be more to do at once; otherwise the next turn waits up to `wait` ms for the world. False: the
 * process must end; *e says why and what to do. */
NODISCARD bool engine_step(struct engine *engine, int64_t mono, int64_t wall, int wait, bool *worked, struct err *e);

/* Commits and writes what there is, lets go of the shards. False: something was not committed (and will be read again)
 * or not written (and will be read from the changelog). */
NODISCARD bool engine_stop(struct engine *engine, int64_t mono, int64_t wall, struct err *e);

const struct engine_counts *engine_counts(struct engine *engine);

/* True where the engine holds this shard and it is live. */
bool engine_has(const struct engine *engine, uint32_t shard);
/* Calls f for each shard held: its number, whether it is live, its clock. */
void engine_shards(const struct engine *engine, void (*f)(void *self, uint32_t shard, bool live, int64_t clock),
                   void *self);

/* The lead's stored value as it is now (after the last applied event), in the arena; at == NULL: not known. Between
 * steps only. False: the store failed. */
NODISCARD bool engine_peek(struct engine *engine, uint32_t shard, struct bytes lead, struct arena *arena,
                           struct bytes *value, struct err *e);

#endif
