/* Records in little memory: each is written as bytes (numbers in as many as they need) behind the one before, in blocks
 * that never move; a table of (at, lead, where) is what is sorted. The bytes never leave the process. */
#include "app/record_list.h"

#include <stdlib.h>

enum { BLOCK = 1024 * 1024 };

struct entry {
    int64_t at;
    struct bytes lead;
    const uint8_t *packed; /* grows with the order in which records came, within a block */
    size_t order;
};

struct record_list {
    const struct model *model;
    struct entry *entries;
    size_t n, cap;
    uint8_t **blocks;
    size_t n_blocks;
    size_t room; /* bytes left in the last block */
};

/* The most bytes that a record of the model packs into. */
static size_t worst(const struct record *record, const struct model *model) {
    return 128 + record->cause.n + 10 * (size_t)model->n_groups + record->n_reasons * sizeof(struct reason);
}

static void pack(struct writer *w, const struct model *model, const struct record *record);
static void unpack(struct reader *r, const struct model *model, struct arena *arena, struct record *record);

struct record_list *record_list_new(const struct model *model) {
    struct record_list *list = calloc(1, sizeof *list);
    MUST(list != NULL);
    list->model = model;
    return list;
}

void record_list_free(struct record_list **list) {
    if (!*list)
        return;
    for (size_t i = 0; i < (*list)->n_blocks; i++)
        free((*list)->blocks[i]);
    free((*list)->blocks);
    free((*list)->entries);
    free(*list);
    *list = NULL;
}

/* A writer on n free bytes that stay where they are. */
static struct writer room_for(struct record_list *list, size_t n) {
    MUST(n <= BLOCK);
    if (list->room < n) {
        list->blocks = realloc(list->blocks, (list->n_blocks + 1) * sizeof *list->blocks);
        MUST(list->blocks != NULL);
        list->blocks[list->n_blocks] = malloc(BLOCK);
        MUST(list->blocks[list->n_blocks] != NULL);
        list->n_blocks++;
        list->room = BLOCK;
    }
    return writer_of(list->blocks[list->n_blocks - 1] + BLOCK - list->room, n);
}

void record_list_add(struct record_list *list, const struct record *record) {
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 1024;
        list->entries = realloc(list->entries, list->cap * sizeof *list->entries);
        MUST(list->entries != NULL);
    }
    struct writer w = room_for(list, worst(record, list->model));
    list->entries[list->n] = (struct entry){record->at, record->lead, w.start, list->n};
    list->n++;
    pack(&w, list->model, record);
    MUST(w.ok);
    list->room -= writer_done(&w).n;
}

size_t record_list_count(const struct record_list *list) {
    return list->n;
}

static int compare(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    int order = bytes_compare(a->lead, b->lead);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

void record_list_sort(struct record_list *list) {
    if (list->n)
        qsort(list->entries, list->n, sizeof *list->entries, compare);
}

void record_list_get(const struct record_list *list, size_t place, struct arena *arena, struct record *record) {
    MUST(place < list->n);
    const struct entry *entry = &list->entries[place];
    struct reader r = reader_of((struct bytes){entry->packed, BLOCK});
    *record = (struct record){.at = entry->at, .lead = entry->lead};
    unpack(&r, list->model, arena, record);
    MUST(r.ok);
}

/* ---- a record's bytes: kind, trigger, id; for all but erasures figures, what was before, cause, reasons ---- */

static void pack(struct writer *w, const struct model *model, const struct record *record) {
    writer_u8(w, (uint8_t)record->kind);
    writer_u8(w, (uint8_t)record->trigger);
    writer_bytes(w, record->id, sizeof record->id);
    if (record->kind == RECORD_ERASED)
        return;
    const struct score *score = &record->score;
    writer_zigzag(w, score->total);
    writer_zigzag(w, score->engagement);
    writer_zigzag(w, score->fit);
    for (size_t i = 0; i < model->n_groups; i++)
        writer_zigzag(w, score->groups[i]);
    writer_u8(w, score->stage);
    writer_u8(w, score->route);
    writer_bytes(w, score->grade, sizeof score->grade);
    writer_zigzag(w, record->previous.total);
    writer_u8(w, record->previous.stage);
    writer_u8(w, record->previous.route);
    writer_bytes(w, record->previous.grade, sizeof record->previous.grade);
    writer_zigzag(w, (int64_t)record->cause.n);
    writer_bytes(w, record->cause.at, record->cause.n);
    writer_zigzag(w, (int64_t)record->n_reasons);
    writer_bytes(w, record->reasons, record->n_reasons * sizeof *record->reasons);
}

static void read_grade(struct reader *r, char grade[2]) {
    grade[0] = (char)reader_u8(r);
    grade[1] = (char)reader_u8(r);
}

static void unpack(struct reader *r, const struct model *model, struct arena *arena, struct record *record) {
    record->kind = (enum record_kind)reader_u8(r);
    record->trigger = (enum record_trigger)reader_u8(r);
    struct bytes id = reader_bytes(r, sizeof record->id);
    MUST(id.n == sizeof record->id);
    memcpy(record->id, id.at, sizeof record->id);
    if (record->kind == RECORD_ERASED)
        return;
    struct score *score = &record->score;
    score->total = reader_zigzag(r);
    score->engagement = reader_zigzag(r);
    score->fit = reader_zigzag(r);
    score->groups = arena_take(arena, model->n_groups * sizeof *score->groups);
    MUST(score->groups != NULL);
    for (size_t i = 0; i < model->n_groups; i++)
        score->groups[i] = reader_zigzag(r);
    score->stage = reader_u8(r);
    score->route = reader_u8(r);
    read_grade(r, score->grade);
    record->previous.total = reader_zigzag(r);
    record->previous.stage = reader_u8(r);
    record->previous.route = reader_u8(r);
    read_grade(r, record->previous.grade);
    record->cause = reader_bytes(r, (size_t)reader_zigzag(r));
    record->n_reasons = (size_t)reader_zigzag(r);
    struct bytes reasons = reader_bytes(r, record->n_reasons * sizeof(struct reason));
    /* Copied, as among packed bytes they are not aligned. */
    record->reasons = arena_copy(arena, reasons.at, reasons.n);
    MUST(record->reasons != NULL);
}
