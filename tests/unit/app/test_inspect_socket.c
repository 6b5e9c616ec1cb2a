/* The daemon's socket as askers see it, good ones and bad ones. It has no workers here: every lead is elsewhere. */
#include "app/inspect_socket.h"
#include "host/clock.h"
#include "support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

static struct inspect_socket *start(void) {
    struct err e = {.code = ERR_NONE};
    snprintf(folder, sizeof folder, "/tmp/leadstream-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    struct inspect_socket *s = inspect_socket_start(folder, NULL, 0, 4, &e);
    ck_assert_msg(s != NULL, "%s: %s", e.where, e.words);
    return s;
}

static void stop(struct inspect_socket *s) {
    inspect_socket_stop(&s);
    ck_assert_int_eq(rmdir(folder), 0);
}

static int dial(void) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s/inspect.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct timeval patience = {60, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* A question, which is answered before its asker gives up. */
static void ask(void) {
    struct arena *arena = arena_new(1 << 20);
    enum inspect_answer answer;
    struct bytes value;
    struct err e;
    ck_assert_msg(inspect_socket_ask(folder, bytes_of("someone"), arena, &answer, &value, &e), "%s", e.words);
    ck_assert_int_eq(answer, INSPECT_ELSEWHERE);
    arena_free(&arena);
}

START_TEST(a_question_is_answered) {
    struct inspect_socket *s = start();
    ask();
    stop(s);
}
END_TEST

START_TEST(it_is_its_users_alone) {
    struct inspect_socket *s = start();
    char path[100];
    struct stat is;
    snprintf(path, sizeof path, "%s/inspect.sock", folder);
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_int_eq(is.st_mode & 0777, 0600);
    stop(s);
}
END_TEST

START_TEST(rubbish_is_told_so) {
    static const char *const questions[] = {"\n", "6\n", "zz\n", "6F\n", "value 00\n"};
    struct inspect_socket *s = start();
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        char reply[100] = "";
        int fd = dial();
        ck_assert_int_gt(send(fd, questions[i], strlen(questions[i]), 0), 0);
        ck_assert_int_gt(recv(fd, reply, sizeof reply - 1, 0), 0);
        ck_assert_msg(!strncmp(reply, "error ", 6), "%s", reply);
        close(fd);
    }
    stop(s);
}
END_TEST

START_TEST(a_question_without_end_is_cut_off) {
    struct inspect_socket *s = start();
    char *many = malloc(100000);
    memset(many, '6', 100000);
    int fd = dial();
    send(fd, many, 100000, MSG_NOSIGNAL | MSG_DONTWAIT);
    ask();
    close(fd);
    free(many);
    stop(s);
}
END_TEST

static atomic_bool dripping;

static void *drip(void *fd) {
    while (atomic_load(&dripping) && send(*(int *)fd, "6", 1, MSG_NOSIGNAL) == 1)
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    return NULL;
}

START_TEST(who_drips_does_not_keep_others_waiting) {
    struct inspect_socket *s = start();
    pthread_t thread;
    int fd = dial();
    atomic_store(&dripping, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, drip, &fd), 0);
    ask();
    atomic_store(&dripping, false);
    pthread_join(thread, NULL);
    close(fd);
    stop(s);
}
END_TEST

/* Whose time is up is told so: it stops before that, unless this machine stood still. */
START_TEST(who_says_nothing_does_not_keep_it_from_stopping) {
    struct inspect_socket *s = start();
    char reply[100];
    int64_t began = clock_mono_ms();
    int fd = dial();
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    bool soon = clock_mono_ms() - began < 1500;
    stop(s);
    ck_assert(recv(fd, reply, sizeof reply, 0) == 0 || !soon);
    close(fd);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_question_is_answered);
    tcase_add_test(all, it_is_its_users_alone);
    tcase_add_test(all, rubbish_is_told_so);
    tcase_add_test(all, a_question_without_end_is_cut_off);
    tcase_add_test(all, who_drips_does_not_keep_others_waiting);
    tcase_add_test(all, who_says_nothing_does_not_keep_it_from_stopping);
}

SUITE_MAIN("inspect_socket", add)
