/* Counters as Prometheus text. Sets are in a list that only grows at its head, so the printing thread needs no lock;
 * a freed set is marked dead and skipped. */
#include "host/metric.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const double bounds[METRIC_BUCKETS - 1] = {1,  2,   3,   5,   7,   10,   15,   20,   30,  50,
                                                     75, 100, 150, 200, 500, 1000, 2000, 5000, 10000};

struct cell {
    _Atomic int64_t value;              /* a histogram: how many */
    _Atomic int64_t sum_us;             /* a histogram: microseconds */
    _Atomic int64_t buckets[METRIC_BUCKETS];
};

struct metric_set {
    const struct metric_table *table;
    char label[64];
    _Atomic bool dead;
    struct metric_set *next;
    struct cell cells[];
};

static _Atomic(struct metric_set *) sets;

struct metric_set *metric_set_new(const struct metric_table *table, const char *label) {
    MUST(table->n <= METRIC_MAX);
    struct metric_set *set = calloc(1, sizeof *set + table->n * sizeof *set->cells);
    MUST(set != NULL);
    set->table = table;
    snprintf(set->label, sizeof set->label, "%s", label);
    set->next = atomic_load(&sets);
    while (!atomic_compare_exchange_weak(&sets, &set->next, set)) {
    }
    return set;
}

void metric_set_free(struct metric_set **set) {
    if (*set)
        atomic_store(&(*set)->dead, true);
    *set = NULL;
}

void metric_add(struct metric_set *set, size_t metric, uint64_t n) {
    MUST(metric < set->table->n);
    atomic_fetch_add_explicit(&set->cells[metric].value, (int64_t)n, memory_order_relaxed);
}

void metric_put(struct metric_set *set, size_t metric, int64_t value) {
    MUST(metric < set->table->n);
    atomic_store_explicit(&set->cells[metric].value, value, memory_order_relaxed);
}

void metric_observe(struct metric_set *set, size_t metric, double ms) {
    MUST(metric < set->table->n && set->table->descs[metric].kind == METRIC_HISTOGRAM);
    size_t b = 0;
    while (b < METRIC_BUCKETS - 1 && ms > bounds[b])
        b++;
    struct cell *cell = &set->cells[metric];
    atomic_fetch_add_explicit(&cell->buckets[b], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&cell->sum_us, (int64_t)(ms * 1000), memory_order_relaxed);
    atomic_fetch_add_explicit(&cell->value, 1, memory_order_relaxed);
}

int64_t metric_get(const struct metric_set *set, size_t metric) {
    MUST(metric < set->table->n);
    return atomic_load_explicit(&set->cells[metric].value, memory_order_relaxed);
}

static void print_histogram(const struct metric_set *set, size_t metric, FILE *to) {
    const char *name = set->table->descs[metric].name, *comma = *set->label ? "," : "";
    const struct cell *cell = &set->cells[metric];
    int64_t below = 0;
    for (size_t b = 0; b < METRIC_BUCKETS; b++) {
        char bound[32] = "+Inf";
        if (b < METRIC_BUCKETS - 1)
            snprintf(bound, sizeof bound, "%g", bounds[b] / 1000);
        below += atomic_load_explicit(&cell->buckets[b], memory_order_relaxed);
        fprintf(to, "%s_bucket{%s%sle=\"%s\"} %lld\n", name, set->label, comma, bound, (long long)below);
    }
    const char *open = *set->label ? "{" : "", *close = *set->label ? "}" : "";
    fprintf(to, "%s_sum%s%s%s %.6f\n", name, open, set->label, close,
            (double)atomic_load_explicit(&cell->sum_us, memory_order_relaxed) / 1e6);
    fprintf(to, "%s_count%s%s%s %lld\n", name, open, set->label, close, (long long)below);
}

static const char *kind_name(enum metric_kind kind) {
    static const char *const names[] = {"counter", "gauge", "histogram"};
    return names[kind];
}

/* One metric of every set that has `table`, so that a family's samples stand together. */
static void print_family(const struct metric_table *table, size_t metric, FILE *to) {
    const struct metric_desc *d = &table->descs[metric];
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", d->name, d->help, d->name, kind_name(d->kind));
    for (const struct metric_set *set = atomic_load(&sets); set; set = set->next) {
        if (set->table != table || atomic_load(&set->dead))
            continue;
        if (d->kind == METRIC_HISTOGRAM)
            print_histogram(set, metric, to);
        else if (*set->label)
            fprintf(to, "%s{%s} %lld\n", d->name, set->label, (long long)metric_get(set, metric));
        else
            fprintf(to, "%s %lld\n", d->name, (long long)metric_get(set, metric));
    }
}

void metric_print(FILE *to) {
    for (const struct metric_set *set = atomic_load(&sets); set; set = set->next) {
        bool first = !atomic_load(&set->dead);
        for (const struct metric_set *s = atomic_load(&sets); s != set && first; s = s->next)
            first = s->table != set->table || atomic_load(&s->dead);
        for (size_t i = 0; first && i < set->table->n; i++)
            print_family(set->table, i, to);
    }
}

void metric_print_table(const struct metric_table *table, FILE *to) {
    for (size_t i = 0; i < table->n; i++)
        fprintf(to, "%-44s %-10s %s\n", table->descs[i].name, kind_name(table->descs[i].kind), table->descs[i].help);
}
