/* One mock cluster and one rig at a time: a test program forks for each test. */
#include "mock_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static rd_kafka_t *host;
rd_kafka_mock_cluster_t *mock_cluster;
struct rig rig;
static atomic_bool opened;

/* The mock looks at its orders once a second, and whenever something comes to its socket: this comes. */
static void *knock(void *argument) {
    const char *bootstrap = argument;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strchr(bootstrap, ':') + 1))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 100 && !atomic_load(&opened); i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
            nanosleep(&(struct timespec){0, 5000000}, NULL);
        close(fd);
    }
    return NULL;
}

void mock_open(uint32_t partitions) {
    static char bootstrap[64];
    char words[200];
    pthread_t knocking;
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
    atomic_store(&opened, false);
    ck_assert(!pthread_create(&knocking, NULL, knock, bootstrap));
    for (size_t i = 0; i < RIG_NAMES; i++)
        ck_assert(!rd_kafka_mock_topic_create(mock_cluster, rig.names[i], (int)partitions, 1));
    atomic_store(&opened, true);
    pthread_join(knocking, NULL);
}

void mock_close(void) {
    rig_close(&rig, false);
    rd_kafka_mock_cluster_destroy(mock_cluster);
    rd_kafka_destroy(host);
}

void mock_init(void) {
    struct err e;
    ck_assert_msg(rig.sink.init(rig.sink.self, &e), "%s", e.words);
}

void mock_begin(void) {
    struct err e;
    ck_assert_msg(rig.sink.begin(rig.sink.self, &e), "%s", e.words);
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

bool mock_send(struct err *e) {
    static const int64_t offsets[RIG_TOPICS] = {7, 8};
    static const struct sink_offsets sent = {0, offsets};
    return rig.sink.send_offsets(rig.sink.self, &sent, 1, e);
}

bool mock_send_and_commit(struct err *e) {
    return mock_send(e) && rig.sink.commit(rig.sink.self, e);
}
