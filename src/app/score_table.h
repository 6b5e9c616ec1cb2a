/* What `score` shows a person at a terminal: leads and records as aligned lines. Programs read record_json's
 * instead. */
#ifndef LEADSTREAM_SCORE_TABLE_H
#define LEADSTREAM_SCORE_TABLE_H

#include "codec/record_json.h"

/* How wide columns are, found before the first line is written. */
struct score_table {
    const struct model *model;
    int lead, stage, route; /* characters; stage and route: 0 where the model has none */
};

/* leads: the longest key that will be shown, in bytes. */
void score_table_init(struct score_table *table, const struct model *model, size_t longest_lead);

void score_table_leads_head(const struct score_table *table, struct text *text);
/* One lead. At most `reasons` of the line's reasons are shown. */
void score_table_lead(const struct score_table *table, struct text *text, const struct lead_line *line, size_t reasons);

void score_table_records_head(const struct score_table *table, struct text *text);
void score_table_record(const struct score_table *table, struct text *text, const struct record *record);

#endif
