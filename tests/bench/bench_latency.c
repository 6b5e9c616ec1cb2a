/* How old score changes are when a consumer of committed records sees them.
 *
 *   bench_latency BOOTSTRAP TOPIC SECONDS
 *
 * A score change's `at` is its event's time, and `load pace` stamps events with the time at which they are sent. Prints
 * one line of JSON: count, p50, p95, p99, max (ms). The first WARM ms are left out, while broker
 * and clients start. */
#include <leadstream/bytes.h>
#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 5000000, WARM = 8000 };

static int64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int rising(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static rd_kafka_t *consumer(const char *bootstrap) {
    const char *const conf[] = {"bootstrap.servers", bootstrap, "group.id", "latency", "isolation.level", "read_committed",
                                "fetch.wait.max.ms", "10", "socket.nagle.disable", "true", "enable.auto.commit", "false", NULL};
    char err[512];
    rd_kafka_conf_t *c = rd_kafka_conf_new();
    for (int i = 0; conf[i]; i += 2)
        rd_kafka_conf_set(c, conf[i], conf[i + 1], err, sizeof err);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, c, err, sizeof err);
    if (rk)
        rd_kafka_poll_set_consumer(rk);
    return rk;
}

static void assign_all(rd_kafka_t *rk, const char *topic) {
    const struct rd_kafka_metadata *m;
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    if (rd_kafka_metadata(rk, 0, t, &m, 10000) || m->topic_cnt != 1)
        exit(1);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(m->topics[0].partition_cnt);
    for (int p = 0; p < m->topics[0].partition_cnt; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(m);
    rd_kafka_topic_destroy(t);
}

/* The `at` of a ScoreChanged in single-object encoding, which stands behind an enum and two texts; -1: it is something
 * else. */
static int64_t at_of(const rd_kafka_message_t *message) {
    struct reader r = reader_of((struct bytes){message->payload, message->len});
    bool single = reader_u16be(&r) == 0xc301;
    reader_u64(&r);
    reader_zigzag(&r);
    for (int i = 0; i < 2; i++) {
        int64_t n = reader_zigzag(&r);
        reader_bytes(&r, n < 0 ? SIZE_MAX : (size_t)n);
    }
    int64_t at = reader_zigzag(&r);
    return single && r.ok ? at : -1;
}

int main(int argc, char **argv) {
    static int64_t ages[MOST];
    size_t n = 0;
    rd_kafka_t *rk = argc == 4 ? consumer(argv[1]) : NULL;
    if (!rk) {
        fprintf(stderr, "usage: bench_latency BOOTSTRAP TOPIC SECONDS\n");
        return 2;
    }
    assign_all(rk, argv[2]);
    int64_t first = 0, seconds = atol(argv[3]), begun = wall_ms();
    while ((!first && wall_ms() - begun < 60000) || (first && wall_ms() - first < seconds * 1000)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 100);
        if (message && !message->err) {
            int64_t now = wall_ms();
            int64_t at = at_of(message);
            first = first ? first : now;
            if (at > 0 && now - first > WARM && n < MOST)
                ages[n++] = now - at;
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    if (!n)
        return 1;
    qsort(ages, n, sizeof *ages, rising);
    printf("{\"count\": %zu, \"p50\": %lld, \"p95\": %lld, \"p99\": %lld, \"max\": %lld}\n", n, (long long)ages[n / 2],
           (long long)ages[n * 95 / 100], (long long)ages[n * 99 / 100], (long long)ages[n - 1]);
    return 0;
}
