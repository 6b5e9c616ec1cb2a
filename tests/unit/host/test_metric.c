/* What /metrics prints is what Prometheus reads: families together, histograms cumulative and in seconds. */
#include "host/metric.h"
#include "support/suite.h"

#include <stdlib.h>

static const struct metric_desc descs[] = {
    {"t_events_total", METRIC_COUNTER, "events"},
    {"t_commit_seconds", METRIC_HISTOGRAM, "commit"},
};
static const struct metric_table table = {descs, 2};

static char *printed(void) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    metric_print(to);
    fclose(to);
    return text;
}

START_TEST(families_stand_together) {
    struct metric_set *a = metric_set_new(&table, "worker=\"0\""), *b = metric_set_new(&table, "worker=\"1\"");
    metric_add(a, 0, 2);
    metric_put(b, 0, 5);
    char *text = printed();
    ck_assert_ptr_nonnull(strstr(text, "# TYPE t_events_total counter\nt_events_total{worker=\"1\"} 5\n"
                                       "t_events_total{worker=\"0\"} 2\n# HELP"));
    free(text);
    metric_set_free(&a);
    metric_set_free(&b);
    text = printed();
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(a_histogram_is_cumulative_and_in_seconds) {
    struct metric_set *a = metric_set_new(&table, "");
    metric_observe(a, 1, 1.5);
    metric_observe(a, 1, 7);
    metric_observe(a, 1, 99999);
    char *text = printed();
    ck_assert_ptr_nonnull(strstr(text, "t_commit_seconds_bucket{le=\"0.001\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(text, "t_commit_seconds_bucket{le=\"0.002\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "t_commit_seconds_bucket{le=\"0.01\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "t_commit_seconds_bucket{le=\"+Inf\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text, "t_commit_seconds_sum 100.007500\nt_commit_seconds_count 3\n"));
    free(text);
    metric_set_free(&a);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, families_stand_together);
    tcase_add_test(all, a_histogram_is_cumulative_and_in_seconds);
}

SUITE_MAIN("metric", add)
