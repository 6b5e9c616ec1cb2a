/* The consumer group: members, generations, rebalances (range assignor, eager), static seats.
 *
 * A rebalance waits until every member has polled (and let go of its shards) or has been silent for too long; only then
 * the generation moves, and offsets sent with the old one are refused. */
#ifndef LEADSTREAM_SIM_GROUP_H
#define LEADSTREAM_SIM_GROUP_H

#include "sim/plan.h"

struct sim;
struct process;

enum { GROUP_SESSION = 1500, GROUP_REBALANCE = 3000, GROUP_MAX_POLL = 5000 /* ms */ };

struct group_member {
    bool used;
    uint32_t seat, id;
    int64_t seen, polled;
    bool joined;                    /* the rebalance that is under way */
    uint32_t generation;            /* that it has been told of */
    bool shards[PLAN_SHARDS];
};

struct group {
    uint32_t generation, last_id;
    bool preparing;
    int64_t since;
    struct group_member members[PLAN_SEATS]; /* by seat: static membership */
};

/* What a transaction remembers of the group when it begins. */
struct group_metadata {
    uint32_t seat, member, generation;
};

void group_reset(struct sim *sim);
void group_tick(struct sim *sim);
/* The group is to share its shards out anew. */
void group_rebalance(struct sim *sim);
/* The member goes at once. */
void group_remove(struct sim *sim, uint32_t seat);

enum group_answer {
    GROUP_NOTHING,
    GROUP_REVOKE,   /* let go of the shards, then call group_joined */
    GROUP_ASSIGN,   /* the member's shards are yours */
    GROUP_LOST,     /* you are no member any more; poll again to join */
    GROUP_REPLACED  /* another process has your seat */
};
/* What a poll of a process hears. *member: 0 before the first poll. */
enum group_answer group_poll(struct sim *sim, uint32_t seat, uint32_t *member, bool holds);
void group_joined(struct sim *sim, uint32_t seat);
/* Would the broker take offsets sent with this? */
bool group_accepts(const struct sim *sim, const struct group_metadata *metadata);

#endif
