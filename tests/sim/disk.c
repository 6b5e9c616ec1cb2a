/* Tables are small, so that the state before every write can be kept whole until the next sync. */
#include "sim/disk.h"

#include "sim/sim.h"

#include "engine/changelog.h"

enum { SYNC_EVERY = 20 /* writes, at most DISK_UNDO */, COPY_EVERY = 40 };

/* ---- tables ---- */

static int find(const struct disk_table *t, struct bytes key) {
    for (uint32_t i = 0; i < t->n; i++)
        if (bytes_equal(t->at[i].key, key))
            return (int)i;
    return -1;
}

struct bytes disk_get(const struct disk_table *table, struct bytes key) {
    int i = find(table, key);
    return i < 0 ? (struct bytes){NULL, 0} : table->at[i].value;
}

static void put(struct sim *sim, struct disk_table *t, struct bytes key, struct bytes value) {
    int i = find(t, key);
    if (!value.at) {
        if (i >= 0)
            t->at[i] = t->at[--t->n];
        return;
    }
    if (i < 0) {
        MUST(t->n < DISK_KEYS);
        i = (int)t->n++;
        t->at[i].key = sim_keep(sim, key);
    }
    t->at[i].value = sim_keep(sim, value);
}

static bool timer_before(const struct store_due *t, int64_t due, struct bytes key) {
    return t->due != due ? t->due < due : bytes_compare(t->key, key) < 0;
}

static void remove_timer(struct disk_table *t, int64_t due, struct bytes key) {
    for (uint32_t i = 0; i < t->n_timers; i++) {
        if (t->timers[i].due != due || !bytes_equal(t->timers[i].key, key))
            continue;
        memmove(&t->timers[i], &t->timers[i + 1], (t->n_timers - i - 1) * sizeof *t->timers);
        t->n_timers--;
        return;
    }
}

static void add_timer(struct sim *sim, struct disk_table *t, int64_t due, struct bytes key) {
    uint32_t i = 0;
    while (i < t->n_timers && timer_before(&t->timers[i], due, key))
        i++;
    if (i < t->n_timers && t->timers[i].due == due && bytes_equal(t->timers[i].key, key))
        return;
    if (t->n_timers == DISK_TIMERS)
        sim_fail(sim, "the store has %d timers for %u leads: old ones do not go away", DISK_TIMERS, sim->plan.leads);
    memmove(&t->timers[i + 1], &t->timers[i], (t->n_timers - i) * sizeof *t->timers);
    t->timers[i] = (struct store_due){due, sim_keep(sim, key)};
    t->n_timers++;
}

static void apply(struct sim *sim, struct disk_table *t, const struct store_put *p, bool timers_stay) {
    put(sim, t, p->key, p->value);
    if (p->due == p->old_due && timers_stay)
        return;
    if (p->old_due != LEAD_NO_DUE)
        remove_timer(t, p->old_due, p->key);
    if (p->due != LEAD_NO_DUE)
        add_timer(sim, t, p->due, p->key);
}

/* ---- media ---- */

static void copy_table(struct disk_table *to, const struct disk_table *from) {
    to->state = from->state;
    to->n = from->n;
    to->n_timers = from->n_timers;
    memcpy(to->at, from->at, from->n * sizeof *from->at);
    memcpy(to->timers, from->timers, from->n_timers * sizeof *from->timers);
}

static void copy_all(struct disk_table *to, const struct disk_table *from) {
    for (uint32_t s = 0; s < PLAN_SHARDS; s++)
        copy_table(&to[s], &from[s]);
}

static void sync_now(struct disk *disk) {
    disk->n_undo = 0;
}

static void remember(struct sim *sim, struct disk *disk, uint32_t shard) {
    if (disk->n_undo == DISK_UNDO || dice_one_in(&sim->chance, SYNC_EVERY))
        sync_now(disk);
    if (dice_one_in(&sim->chance, COPY_EVERY))
        disk_copy(disk);
    disk->undo[disk->n_undo].shard = shard;
    copy_table(&disk->undo[disk->n_undo++].table, &disk->shards[shard]);
}

void disk_wipe(struct disk *disk) {
    for (uint32_t s = 0; s < PLAN_SHARDS; s++) {
        disk->shards[s].n = disk->shards[s].n_timers = 0;
        disk->shards[s].state = (struct store_shard){.birth_offset = ENGINE_NO_OFFSET};
    }
    disk_let_go(disk);
    disk->n_undo = 0;
    disk->full_until = 0;
    disk->n_copies = 0;
}

void disk_let_go(struct disk *disk) {
    for (uint32_t s = 0; s < PLAN_SHARDS; s++) {
        disk->owner[s] = 0;
        disk->building[s] = false;
    }
}

uint32_t disk_power_cut(struct disk *disk, uint32_t most) {
    uint32_t lost = 0;
    while (disk->n_undo && lost < most) {
        disk->n_undo--;
        copy_table(&disk->shards[disk->undo[disk->n_undo].shard], &disk->undo[disk->n_undo].table);
        lost++;
    }
    disk->n_undo = 0;
    return lost;
}

void disk_copy(struct disk *disk) {
    uint32_t to = disk->n_copies < DISK_COPIES ? disk->n_copies++ : DISK_COPIES - 1;
    copy_all(disk->copies[to], disk->shards);
}

bool disk_restore(struct disk *disk, uint32_t copy) {
    if (copy >= disk->n_copies)
        return false;
    copy_all(disk->shards, disk->copies[copy]);
    disk->n_undo = 0;
    return true;
}

void disk_clone(struct disk *to, const struct disk *from) {
    copy_all(to->shards, from->shards);
    to->n_undo = 0;
}

/* ---- the port ---- */

static struct disk_table *owned(struct process *p, uint32_t shard) {
    MUST(shard < PLAN_SHARDS);
    if (!p->dead && p->disk->owner[shard] != p->number)
        sim_fail(p->sim, "worker %u uses shard %u of the store, which is worker %u's", p->number, shard,
                 p->disk->owner[shard]);
    return &p->disk->shards[shard];
}

/* Begins a call that writes: the disk may be full. */
static bool begins_write(struct process *p, enum plan_site site, struct err *e) {
    if (!process_begins(p, site, e))
        return false;
    return p->sim->now >= p->disk->full_until || !err_set(e, ERR_DISK, "sim", "no space left on device");
}

static bool port_open(void *self, uint32_t shard, struct store_shard *state, struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_OPEN, e))
        return false;
    if (p->disk->owner[shard] == p->number)
        sim_fail(p->sim, "worker %u opens shard %u twice", p->number, shard);
    if (p->disk->owner[shard]) {
        err_set(e, ERR_UNAVAILABLE, "sim", "shard %u is still held by worker %u", shard, p->disk->owner[shard]);
        process_ends(p, true, NULL);
        return false;
    }
    if (p->fault && p->fault->kind == FAULT_DISK)
        return err_set(e, ERR_DISK, "sim", "it cannot be opened"); /* a failed open has no effect */
    p->disk->owner[shard] = p->number;
    *state = p->disk->shards[shard].state;
    return process_ends(p, true, e);
}

static void port_close(void *self, uint32_t shard) {
    struct process *p = self;
    if (p->dead) /* the process is gone, what it owned is free already */
        return;
    process_begins(p, SITE_CLOSE, NULL);
    if (p->dead)
        return;
    owned(p, shard);
    p->disk->owner[shard] = 0;
    p->disk->building[shard] = false;
    process_ends(p, true, NULL);
}

static bool port_load(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values,
                      struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_LOAD, e))
        return false;
    struct disk_table *t = owned(p, shard);
    for (size_t i = 0; i < n; i++)
        values[i] = disk_get(t, keys[i]);
    return process_ends(p, true, e);
}

static bool port_write(void *self, uint32_t shard, const struct store_put *puts, size_t n,
                       const struct store_shard *state, struct err *e) {
    struct process *p = self;
    if (!begins_write(p, SITE_WRITE, e))
        return false;
    struct disk_table *t = owned(p, shard);
    if (p->disk->building[shard])
        sim_fail(p->sim, "worker %u writes to shard %u while it builds it", p->number, shard);
    remember(p->sim, p->disk, shard);
    for (size_t i = 0; i < n; i++)
        apply(p->sim, t, &puts[i], true);
    t->state = *state;
    t->state.known = true;
    oracle_written(p->sim, shard, t);
    return process_ends(p, true, e);
}

static bool port_due(void *self, uint32_t shard, int64_t until, struct store_due *out, size_t max, size_t *n,
                     struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_DUE, e))
        return false;
    const struct disk_table *t = owned(p, shard);
    for (*n = 0; *n < max && *n < t->n_timers && t->timers[*n].due <= until; (*n)++)
        out[*n] = t->timers[*n];
    return process_ends(p, true, e);
}

static bool port_build(void *self, uint32_t shard, struct err *e) {
    struct process *p = self;
    if (!begins_write(p, SITE_BUILD, e))
        return false;
    owned(p, shard);
    p->disk->build[shard].n = p->disk->build[shard].n_timers = 0;
    p->disk->building[shard] = true;
    return process_ends(p, true, e);
}

static bool port_build_put(void *self, uint32_t shard, const struct store_put *puts, size_t n, struct err *e) {
    struct process *p = self;
    if (!begins_write(p, SITE_BUILD_PUT, e))
        return false;
    owned(p, shard);
    if (!p->disk->building[shard])
        sim_fail(p->sim, "worker %u goes on with a build of shard %u that is not begun", p->number, shard);
    for (size_t i = 0; i < n; i++)
        apply(p->sim, &p->disk->build[shard], &puts[i], false);
    return process_ends(p, true, e);
}

static bool port_build_done(void *self, uint32_t shard, const struct store_shard *state, struct err *e) {
    struct process *p = self;
    if (!begins_write(p, SITE_BUILD_DONE, e))
        return false;
    struct disk_table *t = owned(p, shard);
    if (!p->disk->building[shard])
        sim_fail(p->sim, "worker %u ends a build of shard %u that is not begun", p->number, shard);
    remember(p->sim, p->disk, shard);
    copy_table(t, &p->disk->build[shard]);
    t->state = *state;
    t->state.known = true;
    p->disk->building[shard] = false;
    oracle_written(p->sim, shard, t);
    return process_ends(p, true, e);
}

/* Any function of the lead that two leads do not share. */
static void port_erasure_key(void *self, struct bytes lead, uint8_t out[16]) {
    uint64_t hash = event_hash(lead);
    (void)self;
    memcpy(out, &hash, sizeof hash);
    memcpy(out + sizeof hash, &hash, sizeof hash);
}

struct store disk_port(struct process *process) {
    return (struct store){process,  port_open,  port_close,     port_load,       port_write,
                          port_due, port_build, port_build_put, port_build_done, port_erasure_key};
}
