/* What a store may hold: between `from` and `upto` any committed value of a key, before `from` none that was replaced. */
#include "sim/oracle.h"

#include "sim/sim.h"

#include "engine/changelog.h"

/* The value without its due time, which may be armed anew without a word to the changelog. */
static bool same_value(struct bytes key, struct bytes a, struct bytes b) {
    enum { DUE = 8, T = 8 };
    if (!a.at || !b.at)
        return !a.at && !b.at;
    if (a.n != b.n || key.at[0] != CHANGELOG_LEAD)
        return bytes_equal(a, b);
    size_t due = 5 + oracle_memory(a).n + T;
    return due + DUE <= a.n && !memcmp(a.at, b.at, due) && !memcmp(a.at + due + DUE, b.at + due + DUE, a.n - due - DUE);
}

static void check_key(struct sim *sim, uint32_t shard, const struct disk_table *table, const struct oracle_key *key) {
    struct bytes stored = disk_get(table, key->key);
    bool found = !stored.at;
    for (size_t i = 0; i < key->n && key->at[i].offset < table->state.upto; i++) {
        bool same = same_value(key->key, key->at[i].value, stored);
        found = key->at[i].offset < table->state.from ? same : found || same;
    }
    if (!found)
        sim_fail(sim,
                 "the store of shard %u (from %lld, upto %lld) holds %s of key %c%.*s that was not committed or was"
                 " replaced before", shard, (long long)table->state.from, (long long)table->state.upto,
                 stored.at ? "a value" : "no value", key->key.at[0],
                 key->key.at[0] == CHANGELOG_LEAD ? (int)key->key.n - 1 : 0, (const char *)key->key.at + 1);
}

void oracle_written(struct sim *sim, uint32_t shard, const struct disk_table *table) {
    const struct oracle_key *keys = sim->oracle.keys[shard];
    const struct store_shard *state = &table->state;
    int64_t end = (int64_t)sim->broker.logs[BROKER_CHANGELOG][shard].n;
    sim->oracle.checks++;
    if (state->from > state->upto || state->upto > end)
        sim_fail(sim, "the store of shard %u says from %lld, upto %lld; the changelog ends at %lld", shard,
                 (long long)state->from, (long long)state->upto, (long long)end);
    uint32_t known = 0;
    for (size_t i = 0; i < ORACLE_KEYS && keys[i].key.n; i++) {
        if (keys[i].key.at[0] == CHANGELOG_BIRTH)
            continue;
        check_key(sim, shard, table, &keys[i]);
        known += disk_get(table, keys[i].key).at != NULL;
    }
    if (known != table->n)
        sim_fail(sim, "the store of shard %u holds %u keys of which %u were ever committed", shard, table->n, known);
}
