/* A seat is a static member: a new process of it takes over the member's shards without a rebalance, and the old one is
 * fenced by its member id. */
#include "sim/group.h"

#include "sim/sim.h"

void group_reset(struct sim *sim) {
    sim->group = (struct group){.generation = 1};
}

void group_rebalance(struct sim *sim) {
    struct group *g = &sim->group;
    if (g->preparing)
        return;
    g->preparing = true;
    g->since = sim->now;
    for (uint32_t i = 0; i < PLAN_SEATS; i++)
        g->members[i].joined = false;
}

void group_remove(struct sim *sim, uint32_t seat) {
    if (!sim->group.members[seat].used)
        return;
    sim->group.members[seat].used = false;
    group_rebalance(sim);
}

/* The shards in equal pieces over the members, in the order of their seats. */
static void assign(struct sim *sim) {
    struct group *g = &sim->group;
    uint32_t n = 0, at = 0, place = 0;
    for (uint32_t i = 0; i < PLAN_SEATS; i++)
        n += g->members[i].used;
    for (uint32_t i = 0; i < PLAN_SEATS; i++) {
        struct group_member *m = &g->members[i];
        memset(m->shards, 0, sizeof m->shards);
        if (!m->used)
            continue;
        uint32_t share = sim->plan.shards / n + (place++ < sim->plan.shards % n);
        while (share--)
            m->shards[at++] = true;
    }
    g->generation++;
    g->preparing = false;
    sim->counts.rebalances++;
    story_tell(sim, "the group's generation %u has %u members", g->generation, n);
}

void group_tick(struct sim *sim) {
    struct group *g = &sim->group;
    for (uint32_t i = 0; i < PROCESSES; i++) {
        const struct process *p = &sim->processes[i];
        struct group_member *m = &g->members[p->seat];
        if (p->used && !p->dead && !p->frozen && m->used && m->id == p->member)
            m->seen = sim->now;
    }
    for (uint32_t i = 0; i < PLAN_SEATS; i++) {
        struct group_member *m = &g->members[i];
        bool silent = m->used && (sim->now - m->seen > GROUP_SESSION || sim->now - m->polled > GROUP_MAX_POLL ||
                                  (g->preparing && !m->joined && sim->now - g->since > GROUP_REBALANCE));
        if (silent) {
            story_tell(sim, "the group gives up on seat %u", i);
            group_remove(sim, i);
        }
    }
    bool waits = false, any = false;
    for (uint32_t i = 0; i < PLAN_SEATS; i++) {
        any = any || g->members[i].used;
        waits = waits || (g->members[i].used && !g->members[i].joined);
    }
    if (g->preparing && any && !waits)
        assign(sim);
}

/* A process that the group does not know yet. */
static enum group_answer join(struct sim *sim, uint32_t seat, uint32_t *member) {
    struct group *g = &sim->group;
    struct group_member *m = &g->members[seat];
    bool known = m->used;
    *member = ++g->last_id;
    if (!known)
        *m = (struct group_member){.used = true, .seat = seat};
    m->id = *member;
    m->seen = m->polled = sim->now;
    if (!known)
        group_rebalance(sim);
    if (g->preparing) {
        m->joined = true;
        return GROUP_NOTHING;
    }
    m->generation = g->generation;
    return GROUP_ASSIGN;
}

enum group_answer group_poll(struct sim *sim, uint32_t seat, uint32_t *member, bool holds) {
    struct group *g = &sim->group;
    struct group_member *m = &g->members[seat];
    if (*member == 0)
        return join(sim, seat, member);
    if (m->used && m->id != *member && m->id > *member)
        return GROUP_REPLACED;
    if (!m->used) {
        *member = 0;
        return GROUP_LOST;
    }
    m->seen = m->polled = sim->now;
    if (g->preparing) {
        if (!holds)
            m->joined = true;
        return holds ? GROUP_REVOKE : GROUP_NOTHING;
    }
    if (m->generation == g->generation)
        return GROUP_NOTHING;
    m->generation = g->generation;
    return GROUP_ASSIGN;
}

void group_joined(struct sim *sim, uint32_t seat) {
    sim->group.members[seat].joined = true;
    sim->group.members[seat].polled = sim->now;
}

bool group_accepts(const struct sim *sim, const struct group_metadata *metadata) {
    const struct group_member *m = &sim->group.members[metadata->seat];
    return m->used && m->id == metadata->member && sim->group.generation == metadata->generation;
}
