/* One mock cluster and one rig at a time: a test program forks for each test. */
#include "mock_rig.h"

#include "host/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LEAST_WAIT = 1900 /* ms: the shortest wait of a call of the sink's is 2 s */ };

static rd_kafka_t *host;
rd_kafka_mock_cluster_t *mock_cluster;
struct rig rig;
static char bootstrap[64];
static atomic_bool done;

/* The mock looks at its orders once a second, and whenever something comes to its socket: this comes. */
static void *knock(void *unused) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strchr(bootstrap, ':') + 1))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (!atomic_load(&done)) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        (void)connect(fd, (struct sockaddr *)&to, sizeof to);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        close(fd);
    }
    return unused;
}

static pthread_t begin_knocking(void) {
    pthread_t thread;
    atomic_store(&done, false);
    ck_assert(!pthread_create(&thread, NULL, knock, NULL));
    return thread;
}

static void end_knocking(pthread_t thread) {
    atomic_store(&done, true);
    pthread_join(thread, NULL);
}

void mock_open(uint32_t partitions) {
    char words[200];
    host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), words, sizeof words);
    ck_assert(host != NULL);
    mock_cluster = rd_kafka_mock_cluster_new(host, 1);
    ck_assert(mock_cluster != NULL);
    snprintf(bootstrap, sizeof bootstrap, "%s", rd_kafka_mock_cluster_bootstraps(mock_cluster));
    rig = (struct rig){.bootstrap = bootstrap,
                       .prefix = "app",
                       .partitions = partitions,
                       .extra = {{"fetch.wait.max.ms", "10"}},
                       .n_extra = 1};
    rig_names(&rig);
    pthread_t knocking = begin_knocking();
    for (size_t i = 0; i < RIG_NAMES; i++)
        ck_assert(!rd_kafka_mock_topic_create(mock_cluster, rig.names[i], (int)partitions, 1));
    end_knocking(knocking);
}

void mock_close(void) {
    rig_close(&rig, false);
    pthread_t knocking = begin_knocking();
    rd_kafka_mock_cluster_destroy(mock_cluster);
    end_knocking(knocking);
    rd_kafka_destroy(host);
}

bool mock_again(bool (*call)(void *self, struct err *e), struct err *e) {
    for (int i = 0; i < 10; i++) {
        int64_t began = clock_mono_ms();
        if (call(rig.sink.self, e)) {
            e->code = ERR_NONE;
            return true;
        }
        if (err_class(e->code) != ERR_CLASS_RETRY || clock_mono_ms() - began < LEAST_WAIT)
            return false;
    }
    return false;
}

void mock_init(void) {
    struct err e;
    ck_assert_msg(mock_again(rig.sink.init, &e), "%s", e.words);
}

void mock_begin(void) {
    struct err e;
    ck_assert_msg(mock_again(rig.sink.begin, &e), "%s", e.words);
}

void mock_log_shard(void) {
    struct err e;
    ck_assert_msg(rig.sink.log(rig.sink.self, 0, bytes_of("S"), bytes_of("shard"), &e), "%s", e.words);
}

void mock_transaction(void) {
    struct err e;
    mock_begin();
    mock_log_shard();
    ck_assert_msg(mock_send_and_commit(&e), "%s", e.words);
}

static bool send_offsets(void *self, struct err *e) {
    static const int64_t offsets[RIG_TOPICS] = {7, 8};
    static const struct sink_offsets sent = {0, offsets};
    return rig.sink.send_offsets(self, &sent, 1, e);
}

bool mock_send(struct err *e) {
    return mock_again(send_offsets, e);
}

bool mock_send_and_commit(struct err *e) {
    return mock_send(e) && mock_again(rig.sink.commit, e);
}
