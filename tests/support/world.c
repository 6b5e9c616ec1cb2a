/* The world in memory. Logs are arrays that only grow; a record knows whether its transaction was committed. */
#include "engine/changelog.h"
#include "support/grow.h"
#include "support/world_parts.h"

#include <stdio.h>
#include <stdlib.h>

enum { FETCH = 3 /* changelog entries read at once: few, so that nobody reads past what was asked for */ };

struct world *world_new(uint16_t topics, uint32_t shards) {
    MUST(topics <= ENGINE_MAX_TOPICS && shards <= MAX_SHARDS);
    struct world *world = calloc(1, sizeof *world);
    MUST(world != NULL);
    world->topics = topics;
    world->shards = shards;
    memset(world->offsets, 0xff, sizeof world->offsets);
    memset(world->pending, 0xff, sizeof world->pending);
    for (uint32_t s = 0; s < MAX_SHARDS; s++)
        world->clocks[s] = LEAD_NEVER;
    return world;
}

static void log_fini(struct log *log) {
    for (size_t i = 0; i < log->n; i++) {
        free(log->at[i].key);
        free(log->at[i].value);
    }
    free(log->at);
}

void world_free(struct world **world) {
    struct world *w = *world;
    for (uint16_t t = 0; t < w->topics; t++) {
        for (uint32_t s = 0; s < w->shards; s++) {
            for (size_t i = 0; i < w->inputs[t][s].n; i++) {
                free(w->inputs[t][s].at[i]->text);
                free(w->inputs[t][s].at[i]);
            }
            free(w->inputs[t][s].at);
        }
    }
    for (uint32_t s = 0; s < w->shards; s++)
        log_fini(&w->logs[s]);
    for (size_t i = 0; i < w->n_lines; i++) {
        free(w->lines[i].lead);
        free(w->lines[i].text);
    }
    free(w->lines);
    free(w);
    *world = NULL;
}

static struct input *input_new(struct world *world, uint16_t topic, uint32_t shard, int64_t timestamp) {
    struct input *in = calloc(1, sizeof *in);
    MUST(in != NULL);
    in->item.topic = topic;
    in->item.shard = shard;
    in->item.offset = (int64_t)world->inputs[topic][shard].n;
    in->item.timestamp = timestamp;
    in->item.last = true;
    in->item.schema_id = -1;
    GROW(world->inputs[topic][shard].at, world->inputs[topic][shard].n, world->inputs[topic][shard].cap);
    world->inputs[topic][shard].at[world->inputs[topic][shard].n++] = in;
    return in;
}

void world_event(struct world *world, uint16_t topic, uint32_t shard, int64_t time, const char *lead, const char *id,
                 const char *type, const char *fields) {
    struct input *in = input_new(world, topic, shard, time);
    size_t n = strlen(lead) + strlen(id) + strlen(type) + strlen(fields) + 8;
    in->text = malloc(n);
    MUST(in->text != NULL);
    char *at = in->text;
    struct bytes *parts[] = {&in->item.event.lead, &in->item.event.id, &in->item.event.type};
    const char *const texts[] = {lead, id, type};
    for (int i = 0; i < 3; i++) {
        memcpy(at, texts[i], strlen(texts[i]) + 1);
        *parts[i] = bytes_of(at);
        at += strlen(at) + 1;
    }
    memcpy(at, fields, strlen(fields) + 1);
    char *rest = at, *save = NULL;
    for (char *pair = strtok_r(rest, ";", &save); pair; pair = strtok_r(NULL, ";", &save)) {
        char *value = strchr(pair, '=');
        MUST(value && in->item.event.n_fields < MAX_FIELDS);
        *value++ = 0;
        in->fields[in->item.event.n_fields++] = (struct event_field){bytes_of(pair), bytes_of(value)};
    }
    in->item.event.time = time;
    in->item.event.fields = in->fields;
}

void world_rubbish(struct world *world, uint16_t topic, uint32_t shard, int64_t timestamp) {
    struct input *in = input_new(world, topic, shard, timestamp);
    in->item.bad = true;
    err_set(&in->err, ERR_MALFORMED, "world", "rubbish");
    in->item.err = &in->err;
}

/* Offsets may have gaps: all entries have the number of the last one. */
void world_array(struct world *world, uint16_t topic, uint32_t shard, int64_t time, const char *id, const char *type,
                 uint32_t n) {
    size_t first = world->inputs[topic][shard].n;
    for (uint32_t i = 0; i < n; i++) {
        char lead[16], entry_id[64];
        snprintf(lead, sizeof lead, "lead-%u", shard + i * world->shards);
        snprintf(entry_id, sizeof entry_id, "%s.%u", id, i);
        world_event(world, topic, shard, time, lead, entry_id, type, "");
        struct intake *item = &world->inputs[topic][shard].at[first + i]->item;
        item->offset = (int64_t)(first + n - 1);
        item->index = i;
        item->last = i + 1 == n;
    }
}

void world_cramp(struct world *world) {
    world->cramped = true;
}

void world_refuse(struct world *world, const char *causes) {
    world->refused = causes;
}

void world_spoil(struct world *world, uint16_t topic, uint32_t shard, int64_t offset, enum err_code code) {
    struct input *in = world->inputs[topic][shard].at[offset];
    in->item.bad = true;
    err_set(&in->err, code, "world", "spoilt");
    in->item.err = &in->err;
}

/* ---- faults ---- */

static bool broken(const struct world *world, enum world_call call, struct err *e) {
    return world->broken == call && !err_set(e, world->broken_code, "world", "broken");
}

void world_break(struct world *world, enum world_call call, enum err_code code) {
    world->broken = call;
    world->broken_code = code;
}

/* Counts a call; true where it is the one to fail before it takes effect. */
static bool fails(struct world *world, struct err *e) {
    world->calls++;
    if (world->calls != world->fail_at || world->fail_after)
        return false;
    err_set(e, world->fail_code, "world", "call %llu fails", (unsigned long long)world->calls);
    return true;
}

/* The end of a call that took effect. */
static bool ends(struct world *world, struct err *e) {
    if (world->calls != world->fail_at || !world->fail_after)
        return true;
    return err_set(e, world->fail_code, "world", "call %llu fails after its effect", (unsigned long long)world->calls);
}

void world_fail(struct world *world, uint64_t n, enum err_code code, bool after) {
    world->fail_at = n ? world->calls + n : 0;
    world->fail_code = code;
    world->fail_after = after;
}

void world_commit_late(struct world *world) {
    world->late = true;
}

uint64_t world_calls(const struct world *world) {
    return world->calls;
}

/* ---- transactions ---- */

/* The clock of a shard is kept in its record, and never falls. */
static void note_clock(struct world *world, uint32_t shard, const struct entry *entry) {
    struct changelog_shard record;
    struct err e;
    MUST(changelog_shard_read(&record, (struct bytes){entry->value, entry->n_value}, &e));
    MUST(record.clock >= world->clocks[shard]);
    world->clocks[shard] = record.clock;
}

static void end_transaction(struct world *world, enum fate fate) {
    for (uint32_t s = 0; s < world->shards; s++) {
        struct log *log = &world->logs[s];
        bool any = false;
        for (size_t i = 0; i < log->n; i++) {
            if (log->at[i].fate != OPEN)
                continue;
            log->at[i].fate = fate;
            any = true;
            if (fate == COMMITTED && log->at[i].key[0] == CHANGELOG_SHARD)
                note_clock(world, s, &log->at[i]);
        }
        if (!any)
            continue;
        world->log_ends[s] = (int64_t)log->n;
        GROW(log->at, log->n, log->cap);
        log->at[log->n++] = (struct entry){.marker = true, .fate = fate};
    }
    for (size_t i = 0; i < world->n_lines; i++)
        if (world->lines[i].fate == OPEN)
            world->lines[i].fate = fate;
    for (uint16_t t = 0; t < world->topics; t++) {
        for (uint32_t s = 0; s < world->shards; s++) {
            if (fate == COMMITTED && world->pending[t][s] != ENGINE_NO_OFFSET)
                world->offsets[t][s] = world->pending[t][s];
            world->pending[t][s] = ENGINE_NO_OFFSET;
        }
    }
    world->open = false;
}

/* ---- source ---- */

static bool source_poll(void *self, const struct source_listener *listener, int wait, struct err *e) {
    struct world *world = self;
    (void)wait;
    uint32_t shards[MAX_SHARDS];
    for (uint32_t s = 0; s < world->shards; s++)
        shards[s] = s;
    if (broken(world, WORLD_POLL, e))
        return false;
    if (fails(world, e)) {
        /* a transaction's words; no poll fails like that and lives */
        if (e->code == ERR_ABORTED || e->code == ERR_FENCED || e->code == ERR_UNKNOWN_OUTCOME)
            e->code = ERR_TIMEOUT;
        return false;
    }
    if (world->rebalance && world->assigned) {
        world->gone = world->rebalance == 2;
        listener->revoked(listener->self, shards, world->shards, world->gone);
        world->gone = false;
        world->assigned = false;
        world->rebalance = 0;
    } else if (!world->assigned) {
        world->assigned = true;
        listener->assigned(listener->self, shards, world->shards);
    }
    if (ends(world, e))
        return true;
    if (e->code == ERR_UNKNOWN_OUTCOME)
        e->code = ERR_TIMEOUT;
    return false;
}

static enum source_head source_head(void *self, uint16_t topic, uint32_t shard, const struct intake **item) {
    struct world *world = self;
    size_t at = world->inputs[topic][shard].position;
    if (at >= world->inputs[topic][shard].n)
        return SOURCE_END;
    if (world->inputs[topic][shard].waits || world->hidden[topic])
        return SOURCE_EMPTY;
    *item = &world->inputs[topic][shard].at[at]->item;
    return SOURCE_ITEM;
}

static void source_take(void *self, uint16_t topic, uint32_t shard) {
    struct world *world = self;
    size_t at = world->inputs[topic][shard].position++;
    world->inputs[topic][shard].waits = world->cramped && !world->inputs[topic][shard].at[at]->item.last;
}

static void source_release(void *self) {
    struct world *world = self;
    for (uint16_t t = 0; t < world->topics; t++)
        for (uint32_t s = 0; s < world->shards; s++)
            world->inputs[t][s].waits = false;
}

static bool source_committed(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct world *world = self;
    if (fails(world, e))
        return false;
    if (world->in_flight && world->pending[0][shard] != ENGINE_NO_OFFSET) { /* offsets are told when they are stable */
        world->in_flight = world->late = false;
        end_transaction(world, COMMITTED);
    }
    for (uint16_t t = 0; t < world->topics; t++)
        offsets[t] = world->offsets[t][shard];
    return ends(world, e);
}

static bool source_first(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct world *world = self;
    if (fails(world, e))
        return false;
    for (uint16_t t = 0; t < world->topics; t++)
        offsets[t] = (int64_t)world->firsts[t][shard];
    return ends(world, e);
}

static bool source_seek(void *self, uint32_t shard, const int64_t *offsets, struct err *e) {
    struct world *world = self;
    if (fails(world, e))
        return false;
    for (uint16_t t = 0; t < world->topics; t++)
        world->inputs[t][shard].position = (size_t)offsets[t];
    return ends(world, e);
}

struct source world_source(struct world *world) {
    return (struct source){world,       world->topics,    source_poll,      source_head, source_take,
                           source_release, source_committed, source_first, source_seek};
}

/* ---- sink ---- */

/* A producer that was fenced is of no use any more: all its calls say so, until it is retired. */
static bool sink_fails(struct world *world, struct err *e) {
    if (world->dead)
        return !err_set(e, ERR_FENCED, "world", "the producer was fenced before");
    if (!fails(world, e))
        return false;
    world->dead = e->code == ERR_FENCED;
    return true;
}

static bool sink_init(void *self, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    if (world->open && !world->in_flight)
        end_transaction(world, ABORTED);
    world->init = true;
    return ends(world, e);
}

static bool sink_begin(void *self, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    MUST(world->init && !world->open);
    world->open = true;
    for (uint32_t s = 0; s < world->shards; s++)
        world->log_ends[s] = ENGINE_NO_OFFSET;
    return ends(world, e);
}

static void add_line(struct world *world, struct bytes lead, const char *text) {
    GROW(world->lines, world->n_lines, world->cap_lines);
    struct line *line = &world->lines[world->n_lines++];
    line->lead = strndup((const char *)lead.at, lead.n);
    line->text = strdup(text);
    line->fate = OPEN;
    MUST(line->lead && line->text);
}

static bool sink_emit(void *self, const struct record *r, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    MUST(world->open);
    size_t n_refused = world->refused ? strlen(world->refused) : 0;
    if (n_refused && r->cause.n >= n_refused && !memcmp(r->cause.at, world->refused, n_refused))
        return err_set(e, ERR_OUTPUT_TOO_LARGE, "scores", "a record is more than the topic takes");
    char text[512], id[33];
    for (int i = 0; i < 16; i++)
        snprintf(id + 2 * i, 3, "%02x", r->id[i]);
    snprintf(text, sizeof text, "%.*s kind=%d trigger=%d at=%lld total=%lld stage=%u route=%u cause=%.*s id=%s",
             (int)r->lead.n, (const char *)r->lead.at, (int)r->kind, (int)r->trigger, (long long)r->at,
             (long long)r->score.total, r->score.stage, r->score.route, (int)r->cause.n, (const char *)r->cause.at, id);
    add_line(world, r->lead, text);
    return ends(world, e);
}

static bool sink_forget(void *self, struct bytes lead, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    MUST(world->open);
    char text[300];
    snprintf(text, sizeof text, "%.*s tombstone", (int)lead.n, (const char *)lead.at);
    add_line(world, lead, text);
    return ends(world, e);
}

static bool sink_reject(void *self, const struct intake *item, const struct err *why, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    MUST(world->open);
    char text[300], place[16];
    snprintf(place, sizeof place, "~%u", item->shard); /* the dead letters of a shard have an order, as a lead's have */
    snprintf(text, sizeof text, "%s dead letter %u/%u/%lld %s", place, item->topic, item->shard, (long long)item->offset,
             err_name(why->code));
    add_line(world, bytes_of(place), text);
    return ends(world, e);
}

static bool sink_log(void *self, uint32_t shard, struct bytes key, struct bytes value, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    MUST(world->open && key.n > 0);
    struct log *log = &world->logs[shard];
    GROW(log->at, log->n, log->cap);
    struct entry *entry = &log->at[log->n++];
    *entry = (struct entry){.n_key = key.n, .n_value = value.n, .tombstone = !value.at, .fate = OPEN};
    entry->key = malloc(key.n);
    entry->value = malloc(value.n + 1);
    MUST(entry->key && entry->value);
    memcpy(entry->key, key.at, key.n);
    if (value.n)
        memcpy(entry->value, value.at, value.n);
    return ends(world, e);
}

static bool sink_send_offsets(void *self, const struct sink_offsets *offsets, size_t n, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    MUST(world->open);
    for (size_t i = 0; i < n; i++)
        for (uint16_t t = 0; t < world->topics; t++)
            world->pending[t][offsets[i].shard] = offsets[i].offsets[t];
    return ends(world, e);
}

/* The offsets are what the group refuses from a worker that has lost its shards: whoever writes for a shard sends them. */
static bool offsets_fence(const struct world *world) {
    for (uint32_t s = 0; s < world->shards && world->open; s++)
        for (size_t i = world->logs[s].n; i-- > 0 && world->logs[s].at[i].fate == OPEN;)
            if (world->pending[0][s] == ENGINE_NO_OFFSET)
                return false;
    return true;
}

static bool sink_commit(void *self, struct err *e) {
    struct world *world = self;
    MUST(!world->gone);
    if (sink_fails(world, e) || broken(world, WORLD_COMMIT, e))
        return false;
    if (world->late) {
        world->in_flight = true;
        return err_set(e, ERR_TIMEOUT, "world", "the commit is not answered");
    }
    MUST(offsets_fence(world));
    if (world->open)
        end_transaction(world, COMMITTED); /* a repeated commit finds it done */
    return ends(world, e);
}

static bool sink_abort(void *self, struct err *e) {
    struct world *world = self;
    if (sink_fails(world, e))
        return false;
    if (world->in_flight)
        return err_set(e, ERR_BROKER, "world", "a transaction that is being committed cannot be aborted");
    if (world->open)
        end_transaction(world, ABORTED);
    return ends(world, e);
}

static int64_t sink_log_end(void *self, uint32_t shard) {
    return ((struct world *)self)->log_ends[shard];
}

static void sink_retire(void *self) {
    struct world *world = self;
    world->init = world->dead = false;
}

static bool sink_log_bounds(void *self, uint32_t shard, int64_t *first, int64_t *end, struct err *e) {
    struct world *world = self;
    if (fails(world, e))
        return false;
    *first = (int64_t)world->log_firsts[shard];
    size_t n = world->logs[shard].n;
    while (world->in_flight && n && world->logs[shard].at[n - 1].fate == OPEN)
        n--; /* these too are on their way */
    *end = (int64_t)n;
    return ends(world, e);
}

static bool sink_log_open(void *self, uint32_t shard, int64_t from, struct err *e) {
    struct world *world = self;
    if (fails(world, e))
        return false;
    MUST(!world->reading || world->read_shard == shard); /* one at a time */
    world->reading = true;
    world->read_shard = shard;
    world->read_at = (size_t)from;
    return ends(world, e);
}

static bool sink_log_read(void *self, int wait, struct log_entry *entries, size_t max, size_t *n, int64_t *position,
                          struct err *e) {
    struct world *world = self;
    (void)wait;
    if (fails(world, e) || broken(world, WORLD_LOG_READ, e))
        return false;
    MUST(world->reading);
    const struct log *log = &world->logs[world->read_shard];
    max = max < FETCH ? max : FETCH;
    for (*n = 0; *n < max && world->read_at < log->n && log->at[world->read_at].fate != OPEN; world->read_at++) {
        const struct entry *entry = &log->at[world->read_at];
        if (entry->marker || entry->fate != COMMITTED)
            continue;
        entries[(*n)++] = (struct log_entry){(int64_t)world->read_at,
                                             {entry->key, entry->n_key},
                                             {entry->tombstone ? NULL : entry->value, entry->n_value}};
    }
    *position = (int64_t)world->read_at;
    return ends(world, e);
}

static void sink_log_close(void *self) {
    ((struct world *)self)->reading = false;
}

struct sink world_sink(struct world *world) {
    return (struct sink){.self = world,
                         .init = sink_init,
                         .begin = sink_begin,
                         .emit = sink_emit,
                         .forget = sink_forget,
                         .reject = sink_reject,
                         .log = sink_log,
                         .send_offsets = sink_send_offsets,
                         .commit = sink_commit,
                         .abort = sink_abort,
                         .log_end = sink_log_end,
                         .retire = sink_retire,
                         .log_bounds = sink_log_bounds,
                         .log_open = sink_log_open,
                         .log_read = sink_log_read,
                         .log_close = sink_log_close};
}

/* ---- what happens, and what is there ---- */

void world_crash(struct world *world) {
    world->assigned = world->init = world->reading = world->dead = false;
    source_release(world);
    world->fail_at = 0;
    for (uint16_t t = 0; t < world->topics; t++)
        for (uint32_t s = 0; s < world->shards; s++)
            world->inputs[t][s].position = 0;
}

void world_rebalance(struct world *world, bool lost) {
    world->rebalance = lost ? 2 : 1;
}

static int by_lead(const void *a, const void *b) {
    const struct line *const *x = a, *const *y = b;
    int c = strcmp((*x)->lead, (*y)->lead);
    return c ? c : (*x > *y) - (*x < *y);
}

char *world_outputs(const struct world *world) {
    char *text = NULL;
    size_t n = 0, n_sorted = 0;
    const struct line **sorted = malloc((world->n_lines + 1) * sizeof(struct line *));
    FILE *to = open_memstream(&text, &n);
    MUST(to && sorted);
    for (size_t i = 0; i < world->n_lines; i++)
        if (world->lines[i].fate == COMMITTED)
            sorted[n_sorted++] = &world->lines[i];
    qsort(sorted, n_sorted, sizeof *sorted, by_lead);
    for (size_t i = 0; i < n_sorted; i++)
        fprintf(to, "%s\n", sorted[i]->text);
    fclose(to);
    free(sorted);
    return text;
}

struct bytes world_lead(const struct world *world, uint32_t shard, const char *lead) {
    const struct log *log = &world->logs[shard];
    for (size_t i = log->n; i-- > 0;) {
        const struct entry *entry = &log->at[i];
        if (entry->fate == COMMITTED && !entry->marker && entry->key[0] == CHANGELOG_LEAD &&
            bytes_is((struct bytes){entry->key + 1, entry->n_key - 1}, lead))
            return (struct bytes){entry->tombstone ? NULL : entry->value, entry->n_value};
    }
    return (struct bytes){NULL, 0};
}

bool world_done(const struct world *world) {
    for (uint16_t t = 0; t < world->topics; t++)
        for (uint32_t s = 0; s < world->shards; s++)
            if (world->offsets[t][s] != (int64_t)world->inputs[t][s].n)
                return false;
    return true;
}

void world_set_offset(struct world *world, uint16_t topic, uint32_t shard, int64_t offset) {
    world->offsets[topic][shard] = offset;
}
