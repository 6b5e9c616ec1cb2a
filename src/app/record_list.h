/* Records kept until all are known, then handed out by (at, lead), and within one at and lead as they were decided.
 *
 * A kept record takes about 60 bytes and 2 for each group, a fifth of its JSON line. */
#ifndef LEADSTREAM_RECORD_LIST_H
#define LEADSTREAM_RECORD_LIST_H

#include <leadstream/score.h>

struct record_list;

struct record_list *record_list_new(const struct model *model);
void record_list_free(struct record_list **list);

/* Keeps a copy. record->lead must outlive the list (it is lent, not copied). */
void record_list_add(struct record_list *list, const struct record *record);

size_t record_list_count(const struct record_list *list);

/* Sorts; after it nothing may be added. */
void record_list_sort(struct record_list *list);
/* The record at a place of that order. Its groups, reasons and texts live in the arena or in the list. */
void record_list_get(const struct record_list *list, size_t place, struct arena *arena, struct record *record);

#endif
