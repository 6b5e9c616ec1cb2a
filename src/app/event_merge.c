/* A binary heap of the files' heads. The event handed out stays the root until the next call, since it lies in its
 * file's buffer. */
#include "app/event_merge.h"

#include <stdlib.h>

struct head {
    struct event_file *file;
    size_t number; /* of the file */
    struct event_file_item item;
};

struct event_merge {
    struct head *heads;
    struct head **heap;
    size_t n; /* in the heap */
    size_t files;
    size_t opened; /* files whose first event was sought */
    bool handed;   /* the root was handed out */
    int64_t until;
    int64_t newest;
    struct bad_lines *bad;
};

struct event_merge *event_merge_new(struct event_file **files, size_t n, int64_t until, struct bad_lines *bad) {
    struct event_merge *merge = calloc(1, sizeof *merge);
    MUST(merge != NULL);
    merge->heads = calloc(n + 1, sizeof *merge->heads);
    merge->heap = calloc(n + 1, sizeof *merge->heap);
    MUST(merge->heads != NULL && merge->heap != NULL);
    for (size_t i = 0; i < n; i++) {
        merge->heads[i].file = files[i];
        merge->heads[i].number = i;
    }
    merge->files = n;
    merge->until = until;
    merge->newest = INT64_MIN;
    merge->bad = bad;
    return merge;
}

void event_merge_free(struct event_merge **merge) {
    if (!*merge)
        return;
    free((*merge)->heads);
    free((*merge)->heap);
    free(*merge);
    *merge = NULL;
}

int64_t event_merge_newest(const struct event_merge *merge) {
    return merge->newest;
}

/* Reads the file's next event that is not past `until`; *end: there is none. */
static bool load(struct event_merge *merge, struct head *head, bool *end, struct err *e) {
    struct event_file_item *item = &head->item;
    for (;;) {
        enum event_file_status status = event_file_next(head->file, item);
        *end = status == EVENT_FILE_END;
        if (*end)
            return true;
        if (status == EVENT_FILE_FAILED) {
            *e = item->err;
            return false;
        }
        if (status == EVENT_FILE_BAD) {
            bad_lines_add(merge->bad, event_file_name(head->file), item);
            continue;
        }
        if (item->event.time > merge->newest)
            merge->newest = item->event.time;
        if (item->event.time <= merge->until)
            return true;
    }
}

static bool before(const struct head *a, const struct head *b) {
    return a->item.event.time != b->item.event.time ? a->item.event.time < b->item.event.time : a->number < b->number;
}

static void rise(struct event_merge *merge, size_t at) {
    struct head *head = merge->heap[at];
    for (; at && before(head, merge->heap[(at - 1) / 2]); at = (at - 1) / 2)
        merge->heap[at] = merge->heap[(at - 1) / 2];
    merge->heap[at] = head;
}

static void sink(struct event_merge *merge) {
    struct head *head = merge->heap[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < merge->n; at = child) {
        if (child + 1 < merge->n && before(merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!before(merge->heap[child], head))
            break;
        merge->heap[at] = merge->heap[child];
    }
    merge->heap[at] = head;
}

/* Puts the file's next event in the place of the one that was handed out. */
static bool replace_root(struct event_merge *merge, struct err *e) {
    bool end;
    if (!load(merge, merge->heap[0], &end, e))
        return false;
    if (end)
        merge->heap[0] = merge->heap[--merge->n];
    if (merge->n)
        sink(merge);
    return true;
}

bool event_merge_next(struct event_merge *merge, const struct event **event, struct err *e) {
    for (; merge->opened < merge->files; merge->opened++) {
        bool end;
        if (!load(merge, &merge->heads[merge->opened], &end, e))
            return false;
        if (end)
            continue;
        merge->heap[merge->n] = &merge->heads[merge->opened];
        rise(merge, merge->n++);
    }
    if (merge->handed && !replace_root(merge, e))
        return false;
    merge->handed = merge->n != 0;
    *event = merge->n ? &merge->heap[0]->item.event : NULL;
    return true;
}
