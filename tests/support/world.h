/* A small world for the engine, in memory: input partitions, a transactional log, a group's offsets; and faults.
 *
 * It keeps what a broker keeps: records of an open transaction are seen by nobody until it is committed, an aborted one
 * leaves a gap, offsets go with the transaction. Any fallible call can be made to fail, by its number. Together with
 * plain_store this is all that the engine knows of the world. */
#ifndef LEADSTREAM_TESTS_WORLD_H
#define LEADSTREAM_TESTS_WORLD_H

#include <leadstream/engine.h>

struct world;

struct world *world_new(uint16_t topics, uint32_t shards);
void world_free(struct world **world);

/* Appends an event to an input partition; texts are copied. fields: "name=value;name=value" or "". */
void world_event(struct world *world, uint16_t topic, uint32_t shard, int64_t time, const char *lead, const char *id,
                 const char *type, const char *fields);
/* A record that no decoder could read. */
void world_rubbish(struct world *world, uint16_t topic, uint32_t shard, int64_t timestamp);

/* An array: one record with n events of leads `lead-0`, `lead-1` .. of this shard (every shards-th). */
void world_array(struct world *world, uint16_t topic, uint32_t shard, int64_t time, const char *id, const char *type,
                 uint32_t n);
/* The source has no more room in the middle of an array until the next release. */
void world_cramp(struct world *world);

/* Nothing of the topic has been fetched, though there is something (until it is shown again). */
void world_hide(struct world *world, uint16_t topic, bool hidden);

struct source world_source(struct world *world);
struct sink world_sink(struct world *world);

/* Nobody is left of the process: its transaction is open until the next init(), the group gives its shards back. */
void world_crash(struct world *world);
/* The shards go at the next poll (as in a rebalance) and come back at the one after. */
void world_rebalance(struct world *world, bool lost);


/* The n-th fallible call from now fails with this code; after: it takes effect all the same. 0: none fails. */
void world_fail(struct world *world, uint64_t n, enum err_code code, bool after);
/* From now on the topics take no record whose cause (an event's id) begins like this (lent): it is too large for them. */
void world_refuse(struct world *world, const char *causes);
/* What was appended at this place is no event but a bad record of this code. */
void world_spoil(struct world *world, uint16_t topic, uint32_t shard, int64_t offset, enum err_code code);
/* The next commit is not answered, and takes effect only when somebody asks for committed offsets: the records that it
 * holds are not to be seen before. */
void world_commit_late(struct world *world);
enum world_call { WORLD_NONE, WORLD_POLL, WORLD_COMMIT, WORLD_LOG_READ };
/* From now on every such call fails with this code. */
void world_break(struct world *world, enum world_call call, enum err_code code);
/* Fallible calls so far. */
uint64_t world_calls(const struct world *world);

/* All committed outputs of all topics as lines of text, sorted by lead and, within a lead, in order; the caller frees. */
char *world_outputs(const struct world *world);
/* The last committed changelog value of a lead in a shard; at == NULL: none. */
struct bytes world_lead(const struct world *world, uint32_t shard, const char *lead);
/* True when the group's offsets are at the end of every input partition. */
bool world_done(const struct world *world);
/* The group's offset of one partition is set to this (ENGINE_NO_OFFSET: lost). */
void world_set_offset(struct world *world, uint16_t topic, uint32_t shard, int64_t offset);

/* ---- what brokers and their operators lose (world_losses.c) ---- */

/* The last n entries of a shard's changelog are gone (SIZE_MAX: all), as after an election of a leader that did not
 * have them. */
void world_cut_changelog(struct world *world, uint32_t shard, size_t n);
/* All of it expired: it is empty, and goes on with the next offset. */
void world_expire_changelog(struct world *world, uint32_t shard);
/* It begins with another birth record, as if the topic had been deleted and been made and filled again. */
void world_rebear_changelog(struct world *world, uint32_t shard);
/* Compacted, long after: of every key only the last is left, and of tombstones nothing. */
void world_compact_changelog(struct world *world, uint32_t shard);
/* An input partition begins at this offset: what was before has expired. */
void world_expire_input(struct world *world, uint16_t topic, uint32_t shard, size_t first);

#endif
