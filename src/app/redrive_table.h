/* What `redrive` shows a person: letters in groups by code and topic, why they stay, how many go where. */
#ifndef LEADSTREAM_REDRIVE_TABLE_H
#define LEADSTREAM_REDRIVE_TABLE_H

#include "app/redrive_judge.h"
#include "codec/record_json.h"
#include <stdio.h>

enum { REDRIVE_TABLE_MOST = 200 /* groups; what comes after is counted together */ };

struct redrive_span {
    uint32_t first, last;   /* partitions, both in */
};

struct redrive_group {
    char code[32], topic[256];
    uint64_t n, came_back;
    uint64_t fates[REDRIVE_FATES_END];
    struct redrive_span from, to;   /* to: of those that go */
    int64_t first, last;            /* ms */
    char words[96];                 /* of the first letter */
};

struct redrive_table {
    struct redrive_group groups[REDRIVE_TABLE_MOST + 1];
    size_t n;
    uint64_t others;                /* letters of other generations */
    char other[96];                 /* the first of those, as their letters name it */
    uint64_t strange;               /* records that are no letters */
    uint64_t not_meant;             /* letters that the filter leaves out */
};

/* A letter that is meant. `to`: where it goes, if it does. */
void redrive_table_add(struct redrive_table *table, const struct kafka_letter *letter, enum redrive_fate fate,
                       uint32_t to);

/* A letter that was to go and turned out to be refused. */
void redrive_table_refused(struct redrive_table *table, const struct kafka_letter *letter);

/* A letter of another generation. */
void redrive_table_other(struct redrive_table *table, const struct kafka_letter *letter);

uint64_t redrive_table_count(const struct redrive_table *table, enum redrive_fate fate);

/* Groups by the number of letters, the most first; then what is held back and why. */
void redrive_table_print(struct redrive_table *table, struct text *text);

/* One letter as a JSON line, written to `to` piece by piece. */
void redrive_line_write(FILE *to, struct text *text, uint32_t partition, const struct kafka_letter *letter,
                        enum redrive_fate fate);

#endif
