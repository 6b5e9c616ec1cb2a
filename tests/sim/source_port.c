/* The source's port: the group's words, and records as a consumer fetches them. */
#include "sim/sim.h"

#include <stdlib.h>

/* ---- the group ---- */

static uint32_t held(const struct process *p, uint32_t *shards) {
    uint32_t n = 0;
    for (uint32_t s = 0; s < PLAN_SHARDS; s++)
        if (p->holds[s])
            shards[n++] = s;
    return n;
}

static void revoke(struct process *p, const struct source_listener *listener, bool lost) {
    uint32_t shards[PLAN_SHARDS], n = held(p, shards);
    story_tell(p->sim, "worker %u gives %u shards back%s", p->number, n, lost ? ": they are lost" : "");
    p->losing = lost;
    if (n)
        listener->revoked(listener->self, shards, n, lost);
    p->losing = false;
    memset(p->holds, 0, sizeof p->holds);
    p->any_held = false;
}

static void assign(struct process *p, const struct source_listener *listener) {
    uint32_t shards[PLAN_SHARDS];
    memcpy(p->holds, p->sim->group.members[p->seat].shards, sizeof p->holds);
    for (uint32_t s = 0; s < PLAN_SHARDS; s++) {
        p->claims[s].given = false;
        p->claims[s].n = 0;
        for (uint16_t t = 0; t < PLAN_TOPICS; t++)
            p->readers[t][s] = (struct process_reader){0, 0, false, false};
    }
    uint32_t n = held(p, shards);
    p->any_held = n > 0;
    story_tell(p->sim, "worker %u is given %u shards", p->number, n);
    if (n)
        listener->assigned(listener->self, shards, n);
}

/* True where something came of it. */
static bool hear(struct process *p, const struct source_listener *listener, enum group_answer answer) {
    switch (answer) {
    case GROUP_REVOKE:
        revoke(p, listener, false);
        if (!p->dead)
            group_joined(p->sim, p->seat);
        return true;
    case GROUP_ASSIGN:
        assign(p, listener);
        return true;
    case GROUP_LOST:
        /* Who was silent for too long is told of a revoke, not of a loss. */
        if (p->any_held)
            revoke(p, listener, dice_one_in(&p->sim->chance, 2));
        return true;
    case GROUP_NOTHING:
    case GROUP_REPLACED:
        break;
    }
    return false;
}

/* ---- fetching ---- */

static bool fetch_one(struct process *p, uint16_t topic, uint32_t shard) {
    struct sim *sim = p->sim;
    struct process_reader *r = &p->readers[topic][shard];
    const struct input_partition *in = &sim->inputs[topic][shard];
    size_t before = r->fetched, all = in->there;
    while (all > before && sim->now < sim->stall_until && in->at[all - 1].appears > sim->stall_from)
        all--;
    size_t end = all;
    if (all > before && dice_one_in(&sim->chance, 3)) {
        all = before + 1 + dice_below(&sim->chance, (uint32_t)(all - before));
        while (!in->at[all - 1].item.last) /* records come whole */
            all++;
    }
    r->fetched = all;
    r->end_seen = all == end;
    return all > before;
}

static bool fetch(struct process *p) {
    bool fresh = false;
    struct sim *sim = p->sim;
    if (sim->now < sim->broker.down_until && sim->plan.mode != PLAN_LIVE) /* there events would come late */
        return false;
    for (uint32_t s = 0; s < sim->plan.shards; s++)
        for (uint16_t t = 0; p->holds[s] && t < sim->plan.topics; t++)
            fresh |= fetch_one(p, t, s);
    return fresh;
}

static bool source_poll(void *self, const struct source_listener *listener, int wait, struct err *e) {
    struct process *p = self;
    struct sim *sim = p->sim;
    if (!process_begins(p, SITE_POLL, e))
        return false;
    enum group_answer answer = GROUP_NOTHING;
    if (sim->now >= sim->broker.down_until)
        answer = group_poll(sim, p->seat, &p->member, p->any_held);
    if (answer == GROUP_REPLACED) {
        process_ends(p, false, e);
        return err_set(e, ERR_FENCED, "sim", "another process runs with the same `instance`");
    }
    const struct plan_fault *after = p->fault; /* the callbacks make calls of their own */
    bool changed = hear(p, listener, answer);
    p->fault = after;
    if (!p->dead && !fetch(p) && !changed && wait > 0)
        world_wait(sim, dice_between(&sim->chance, 1, wait));
    p->site = SITE_POLL;
    return process_ends(p, true, e);
}

/* ---- records ---- */

static enum source_head source_head(void *self, uint16_t topic, uint32_t shard, const struct intake **item) {
    struct process *p = self;
    process_begins(p, SITE_HEAD, NULL);
    process_ends(p, true, NULL);
    struct process_reader *r = &p->readers[topic][shard];
    if (p->dead || r->waits)
        return SOURCE_EMPTY;
    if (r->position >= r->fetched)
        return r->end_seen ? SOURCE_END : SOURCE_EMPTY;
    *item = &p->sim->inputs[topic][shard].at[r->position].item;
    return SOURCE_ITEM;
}

static void source_take(void *self, uint16_t topic, uint32_t shard) {
    struct process *p = self;
    process_begins(p, SITE_TAKE, NULL);
    struct process_reader *r = &p->readers[topic][shard];
    struct broker_claim *claim = &p->claims[shard];
    const struct input_item *item = &p->sim->inputs[topic][shard].at[r->position++];
    GROW(claim->taken, claim->n, p->cap_claims[shard]);
    claim->taken[claim->n++] = item;
    r->waits = p->cramped && !item->item.last;
    process_ends(p, true, NULL);
}

static void source_release(void *self) {
    struct process *p = self;
    process_begins(p, SITE_RELEASE, NULL);
    for (uint16_t t = 0; t < PLAN_TOPICS; t++)
        for (uint32_t s = 0; s < PLAN_SHARDS; s++)
            p->readers[t][s].waits = false;
    process_ends(p, true, NULL);
}

/* ---- offsets ---- */

static bool source_committed(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_COMMITTED, e))
        return false;
    if (!broker_committed(p->sim, shard, offsets)) {
        world_wait(p->sim, 5);
        err_set(e, ERR_TIMEOUT, "sim", "the group's offsets are not stable");
        return process_ends(p, false, e);
    }
    return process_ends(p, true, e);
}

static bool source_first(void *self, uint32_t shard, int64_t *offsets, struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_FIRST, e))
        return false;
    for (uint16_t t = 0; t < p->sim->plan.topics; t++)
        offsets[t] = p->sim->inputs[t][shard].first;
    return process_ends(p, true, e);
}

static bool source_seek(void *self, uint32_t shard, const int64_t *offsets, struct err *e) {
    struct process *p = self;
    if (!process_begins(p, SITE_SEEK, e))
        return false;
    struct broker_claim *claim = &p->claims[shard];
    claim->n = 0;
    claim->given = true;
    for (uint16_t t = 0; t < p->sim->plan.topics; t++) {
        size_t at = input_seek(&p->sim->inputs[t][shard], offsets[t]);
        p->readers[t][shard] = (struct process_reader){at, at, false, false};
        claim->base[t] = offsets[t];
    }
    return process_ends(p, true, e);
}

struct source process_source(struct process *process) {
    return (struct source){process,        process->sim->plan.topics, source_poll,  source_head, source_take,
                           source_release, source_committed,          source_first, source_seek};
}
