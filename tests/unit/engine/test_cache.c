/* The table of leads, held against a plain list: what was added is found until it goes, and only clean leads go. */
#include "engine/cache.h"

#include "../core/fixture.h"
#include <stdio.h>

enum { LEADS = 3000, SHARDS = 3, STEPS = 60000 };

/* A lead that may be in the cache. */
struct known {
    char name[16];
    uint32_t shard;
    struct cache_entry *entry; /* NULL: it is not there */
};

/* Gives the lead n bytes of memory, all of them a letter of its name. */
static void fill(struct cache_entry *entry, size_t n) {
    struct lead *lead = &entry->lead;
    size_t cap = lead->cap;
    lead->memory = lead->room->resize(lead->room->self, lead->memory, 0, n, &cap);
    lead->cap = (uint32_t)cap;
    lead->n = (uint32_t)n;
    memset(lead->memory, lead->key.at[2], n);
}

static bool is_filled(const struct cache_entry *entry) {
    for (uint32_t i = 0; i < entry->lead.n; i++)
        if (entry->lead.memory[i] != entry->lead.key.at[2])
            return false;
    return true;
}

static void make_names(struct known *known) {
    for (uint32_t i = 0; i < LEADS; i++) {
        snprintf(known[i].name, sizeof known[i].name, "l-%u", i / SHARDS); /* the same name in several shards */
        known[i].shard = i % SHARDS;
        known[i].entry = NULL;
    }
}

START_TEST(what_was_added_is_found) {
    static struct known known[LEADS];
    make_names(known);
    struct model *model = fixture_model();
    struct cache *cache = cache_new(model, SIZE_MAX);
    uint64_t state = 3;
    size_t n = 0;
    for (int step = 0; step < STEPS; step++) {
        struct known *k = &known[suite_below(&state, LEADS)];
        ck_assert_ptr_eq(cache_find(cache, k->shard, bytes_of(k->name)), k->entry);
        if (!k->entry) {
            k->entry = cache_add(cache, k->shard, bytes_of(k->name));
            ck_assert(k->entry->lead.d.t == LEAD_NEVER && k->entry->disk_due == LEAD_NO_DUE);
            n++;
        }
        ck_assert(is_filled(k->entry));
        fill(k->entry, 1 + suite_below(&state, 500));
        if (step % (STEPS / 4) == STEPS / 4 - 1) {
            uint32_t shard = suite_below(&state, SHARDS);
            cache_drop_shard(cache, shard);
            for (uint32_t i = 0; i < LEADS; i++) {
                n -= known[i].entry && known[i].shard == shard;
                known[i].entry = known[i].shard == shard ? NULL : known[i].entry;
            }
        }
        ck_assert_uint_eq(cache_entries(cache), n);
    }
    cache_free(&cache);
    model_free(&model);
}
END_TEST

START_TEST(only_clean_leads_go) {
    static struct known known[LEADS];
    make_names(known);
    struct model *model = fixture_model();
    struct cache *cache = cache_new(model, 400 * (size_t)1024);
    for (uint32_t i = 0; i < LEADS; i++) {
        known[i].entry = cache_add(cache, known[i].shard, bytes_of(known[i].name));
        fill(known[i].entry, 200);
        known[i].entry->unwritten = i % 10 == 1;
        known[i].entry->touched = i % 10 == 2;
    }
    ck_assert_uint_gt(cache_bytes(cache), LEADS * (size_t)200);
    cache_shrink(cache);
    size_t left = 0;
    for (uint32_t i = 0; i < LEADS; i++) {
        struct cache_entry *entry = cache_find(cache, known[i].shard, bytes_of(known[i].name));
        ck_assert(entry || i % 10 == 0 || i % 10 > 2);
        ck_assert(!entry || entry == known[i].entry);
        ck_assert(!entry || is_filled(entry));
        left += entry != NULL;
    }
    ck_assert_uint_eq(cache_entries(cache), left);
    cache_free(&cache);
    model_free(&model);
}
END_TEST

START_TEST(a_cache_full_of_unwritten_leads_says_so) {
    struct model *model = fixture_model();
    struct cache *cache = cache_new(model, 64 * (size_t)1024);
    static struct known known[LEADS];
    make_names(known);
    for (uint32_t i = 0; i < LEADS; i++)
        cache_add(cache, known[i].shard, bytes_of(known[i].name))->unwritten = true;
    ck_assert(!cache_shrink(cache));
    ck_assert_uint_eq(cache_entries(cache), LEADS);
    for (uint32_t i = 0; i < LEADS; i++)
        cache_find(cache, known[i].shard, bytes_of(known[i].name))->unwritten = false;
    ck_assert(cache_shrink(cache));
    ck_assert_uint_le(cache_bytes(cache), 64 * (size_t)1024);
    cache_free(&cache);
    model_free(&model);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, what_was_added_is_found);
    tcase_add_test(all, only_clean_leads_go);
    tcase_add_test(all, a_cache_full_of_unwritten_leads_says_so);
}

SUITE_MAIN("cache", add)
