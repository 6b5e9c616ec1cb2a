/* A shard built from nothing through sorted tables; see the header.
 *
 * A gathered put lies in one buffer as
 *   value's length u32 (NO_VALUE: delete) | due, eight bytes that sort | key | value
 * so that due and key together are, as they lie there, what follows the range in a timer's key. */
#include "adapters/rocks_build.h"

#include "adapters/rocks_sort.h"
#include "base/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x726f6275u
#define NO_VALUE UINT32_MAX

/* One put for each so many bytes of the buffer at most: smaller ones fill the list of items first. */
enum { BYTES_PER_ITEM = 256 };

struct rocks_build {
    uint32_t magic;
    struct rocks_db *db;
    struct rocks_range range;
    uint8_t *buffer;
    struct writer gathered;   /* into the buffer */
    struct rocks_item *items; /* what was gathered */
    struct rocks_item *spare;
    size_t n, room;
    rocksdb_envoptions_t *env;
    rocksdb_sstfilewriter_t *writer[ROCKS_FAMILIES]; /* of leads and of timers */
    rocksdb_ingestexternalfileoptions_t *ingest;
    char file[ROCKS_DB_MAX_PATH + 32];
};

struct rocks_build *rocks_build_new(struct rocks_db *db, struct rocks_range range, size_t buffer, struct err *e) {
    struct rocks_build *b = calloc(1, sizeof *b);
    MUST(b != NULL);
    b->magic = MAGIC;
    b->db = db;
    b->range = range;
    b->room = buffer / BYTES_PER_ITEM;
    size_t bytes = buffer - 2 * b->room * sizeof *b->items;
    b->buffer = malloc(bytes);
    b->items = malloc(b->room * sizeof *b->items);
    b->spare = malloc(b->room * sizeof *b->spare);
    MUST(b->buffer && b->items && b->spare);
    b->gathered = writer_of(b->buffer, bytes);
    b->env = rocksdb_envoptions_create();
    for (size_t i = ROCKS_LEADS; i < ROCKS_FAMILIES; i++)
        b->writer[i] = rocksdb_sstfilewriter_create(b->env, db->options[i]);
    b->ingest = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(b->ingest, 1);
    snprintf(b->file, sizeof b->file, "%s/build", db->dir);
    if (mkdir(b->file, S_IRWXU) != 0 && errno != EEXIST) {
        err_set(e, ERR_DISK, b->file, "cannot make this directory: %s", strerror(errno));
        rocks_build_free(&b);
        return NULL;
    }
    snprintf(b->file, sizeof b->file, "%s/build/%u.table", db->dir, (unsigned)range.shard);
    return b;
}

void rocks_build_free(struct rocks_build **b) {
    if (!*b)
        return;
    MUST((*b)->magic == MAGIC);
    for (size_t i = ROCKS_LEADS; i < ROCKS_FAMILIES; i++)
        rocksdb_sstfilewriter_destroy((*b)->writer[i]);
    rocksdb_ingestexternalfileoptions_destroy((*b)->ingest);
    rocksdb_envoptions_destroy((*b)->env);
    unlink((*b)->file);
    free((*b)->buffer);
    free((*b)->items);
    free((*b)->spare);
    (*b)->magic = 0;
    free(*b);
    *b = NULL;
}

/* The put that an item's key lies in. */
static uint32_t value_length(const struct rocks_item *item) {
    struct reader r = reader_of((struct bytes){item->key.at - ROCKS_KEYS_DUE - 4, 4});
    return reader_u32(&r);
}

/* What follows the range in the timer's key. */
static struct bytes timer_of(const struct rocks_item *item) {
    return (struct bytes){item->key.at - ROCKS_KEYS_DUE, item->key.n + ROCKS_KEYS_DUE};
}

static bool has_timer(const struct rocks_item *item) {
    uint8_t none[ROCKS_KEYS_DUE];
    struct writer w = writer_of(none, sizeof none);
    rocks_keys_due(&w, LEAD_NO_DUE);
    return memcmp(item->key.at - ROCKS_KEYS_DUE, none, sizeof none) != 0;
}

static bool ingest(struct rocks_build *b, enum rocks_family family, struct err *e) {
    char *message = NULL;
    rocksdb_sstfilewriter_finish(b->writer[family], &message);
    if (message)
        return rocks_db_error(b->db, message, e);
    const char *files[] = {b->file};
    rocksdb_ingest_external_file_cf(b->db->db, b->db->family[family], files, 1, b->ingest, &message);
    return !message || rocks_db_error(b->db, message, e);
}

static bool open_table(struct rocks_build *b, enum rocks_family family, struct err *e) {
    char *message = NULL;
    unlink(b->file);
    rocksdb_sstfilewriter_open(b->writer[family], b->file, &message);
    return !message || rocks_db_error(b->db, message, e);
}

/* Writes the sorted items' last values; leaves the timers that they arm in spare, and their number in *timers. */
static bool write_leads(struct rocks_build *b, size_t *timers, struct err *e) {
    char *message = NULL;
    *timers = 0;
    if (!open_table(b, ROCKS_LEADS, e))
        return false;
    for (size_t i = 0; i < b->n && !message; i++) {
        const struct rocks_item *item = &b->items[i];
        if (GUARD(build_last) && i + 1 < b->n && bytes_equal(item->key, item[1].key))
            continue;
        struct rocks_key key;
        rocks_keys_in(&key, b->range, item->key);
        uint32_t length = value_length(item);
        const char *value = (const char *)item->key.at + item->key.n;
        if (length == NO_VALUE)
            rocksdb_sstfilewriter_delete(b->writer[ROCKS_LEADS], (const char *)key.at, key.n, &message);
        else
            rocksdb_sstfilewriter_put(b->writer[ROCKS_LEADS], (const char *)key.at, key.n, value, length, &message);
        if (has_timer(item))
            b->spare[(*timers)++].key = timer_of(item);
    }
    return message ? rocks_db_error(b->db, message, e) : ingest(b, ROCKS_LEADS, e);
}

static bool write_timers(struct rocks_build *b, size_t timers, struct err *e) {
    char *message = NULL;
    if (timers == 0)
        return true;
    rocks_sort(b->spare, b->items, timers);
    if (!open_table(b, ROCKS_TIMERS, e))
        return false;
    for (size_t i = 0; i < timers && !message; i++) {
        struct rocks_key key;
        rocks_keys_in(&key, b->range, b->spare[i].key);
        rocksdb_sstfilewriter_put(b->writer[ROCKS_TIMERS], (const char *)key.at, key.n, "", 0, &message);
    }
    return message ? rocks_db_error(b->db, message, e) : ingest(b, ROCKS_TIMERS, e);
}

bool rocks_build_finish(struct rocks_build *b, struct err *e) {
    MUST(b->magic == MAGIC);
    size_t timers;
    if (b->n == 0)
        return true;
    rocks_sort(b->items, b->spare, b->n);
    if (!write_leads(b, &timers, e) || !write_timers(b, timers, e))
        return false;
    b->n = 0;
    b->gathered = writer_of(b->buffer, (size_t)(b->gathered.end - b->gathered.start));
    return true;
}

/* False: no room for it now. */
static bool gather(struct rocks_build *b, const struct store_put *put) {
    size_t value = put->value.at ? put->value.n : 0;
    size_t needs = 4 + ROCKS_KEYS_DUE + put->key.n + value;
    if (b->n == b->room || (size_t)(b->gathered.end - b->gathered.at) < needs)
        return false;
    writer_u32(&b->gathered, put->value.at ? (uint32_t)value : NO_VALUE);
    rocks_keys_due(&b->gathered, put->due);
    b->items[b->n++] = (struct rocks_item){.key = {b->gathered.at, put->key.n}};
    writer_bytes(&b->gathered, put->key.at, put->key.n);
    writer_bytes(&b->gathered, put->value.at, value);
    MUST(b->gathered.ok);
    return true;
}

bool rocks_build_put(struct rocks_build *b, const struct store_put *puts, size_t n, struct err *e) {
    MUST(b->magic == MAGIC);
    for (size_t i = 0; i < n; i++) {
        MUST(puts[i].key.n > 0 && puts[i].key.n <= CHANGELOG_MAX_KEY);
        if (gather(b, &puts[i]))
            continue;
        if (!rocks_build_finish(b, e))
            return false;
        if (!gather(b, &puts[i]))
            return err_set(e, ERR_REFUSED, b->db->dir,
                           "a value of %zu bytes does not fit the memory for building a "
                           "shard: raise store.memory",
                           puts[i].value.n);
    }
    return true;
}

struct rocks_range rocks_build_range(const struct rocks_build *b) {
    MUST(b->magic == MAGIC);
    return b->range;
}
