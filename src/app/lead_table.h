/* All leads of a run of `score`, in memory, by key. A lead never moves; its key is the table's. */
#ifndef LEADSTREAM_LEAD_TABLE_H
#define LEADSTREAM_LEAD_TABLE_H

#include <leadstream/lead.h>

struct lead_table;

struct lead_table *lead_table_new(const struct model *model);
void lead_table_free(struct lead_table **table);

/* The lead with that key; a new one if there is none yet. */
struct lead *lead_table_get(struct lead_table *table, struct bytes key);

/* Leads are numbered from 0 in the order in which they came. */
size_t lead_table_count(const struct lead_table *table);
struct lead *lead_table_at(struct lead_table *table, size_t number);

#endif
