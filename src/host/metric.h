/* Counters, gauges and histograms, printed as Prometheus text (format 0.0.4).
 *
 * A room declares a table of metrics; each user of it (a worker) has a set: one block of relaxed atomics, with a label.
 * Only its owner writes a set; the HTTP thread reads. */
#ifndef LEADSTREAM_METRIC_H
#define LEADSTREAM_METRIC_H

#include <leadstream/must.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM /* of milliseconds */ };

struct metric_desc {
    const char *name; /* "leadstream_events_total" */
    enum metric_kind kind;
    const char *help;
};

enum { METRIC_MAX = 64, METRIC_BUCKETS = 20 }; /* metrics of a table; buckets of a histogram, +Inf among them */

struct metric_table {
    const struct metric_desc *descs;
    size_t n;
};

struct metric_set;

/* label: `worker="0"`, or "" for none; copied. Sets live until the process ends or metric_set_free. */
struct metric_set *metric_set_new(const struct metric_table *table, const char *label);
void metric_set_free(struct metric_set **set);

void metric_add(struct metric_set *set, size_t metric, uint64_t n);
void metric_put(struct metric_set *set, size_t metric, int64_t value); /* a gauge, or a counter kept elsewhere */
void metric_observe(struct metric_set *set, size_t metric, double ms); /* a histogram */
int64_t metric_get(const struct metric_set *set, size_t metric);       /* a histogram: its count */

/* All sets, grouped by metric. */
void metric_print(FILE *to);
/* The tables as a person reads them: name, kind, help (for `check --metrics`). */
void metric_print_table(const struct metric_table *table, FILE *to);

#endif
