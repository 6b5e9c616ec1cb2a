/* Each test does in a child process what would end or change this one. */
#include "host/secrecy.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, DUMPED = 0x80 /* of a status; WCOREDUMP is not POSIX */ };

static void raise_core_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}

/* How a child ends that aborts in a folder of its own, which is removed with whatever core is there. */
static int status_of_crash(bool secret, bool allowed) {
    char folder[] = "/tmp/leadstream-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    pid_t child = fork();
    if (child == 0) {
        raise_core_limit();
        if (secret)
            secrecy_begin();
        if (allowed)
            secrecy_allow_core();
        signal(SIGABRT, SIG_DFL);
        if (chdir(folder) != 0)
            _exit(1);
        abort();
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    char core[sizeof folder + 40];
    snprintf(core, sizeof core, "%s/core", folder);
    unlink(core);
    snprintf(core, sizeof core, "%s/core.%d", folder, (int)child);
    unlink(core);
    ck_assert_msg(rmdir(folder) == 0 || !secret || allowed, "something was left in %s", folder);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    return status;
}

START_TEST(a_crash_leaves_no_core) {
    ck_assert(!(status_of_crash(true, false) & DUMPED));
}
END_TEST

/* Where the host dumps no core of any process, there is nothing to compare with. */
START_TEST(a_core_can_be_allowed) {
    if (status_of_crash(false, false) & DUMPED)
        ck_assert(status_of_crash(true, true) & DUMPED);
}
END_TEST

START_TEST(files_are_its_users_alone) {
    char folder[] = "/tmp/leadstream-test-XXXXXX", path[sizeof folder + 8];
    struct stat is;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    pid_t child = fork();
    if (child == 0) {
        secrecy_begin();
        _exit(open(path, O_CREAT | O_WRONLY, 0666) < 0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_int_eq(is.st_mode & 0777, 0600);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* Can another process of the same user, who is not root, read this file of a process under /proc? */
static bool can_read(bool secret, const char *file) {
    int ready[2], status = 0;
    char path[64], byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t kept = fork();
    if (kept == 0) {
        if (geteuid() == 0 && setuid(NOBODY) != 0)
            _exit(1);
        secrecy_allow_core(); /* setuid took the flag away */
        if (secret)
            secrecy_begin();
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    snprintf(path, sizeof path, "/proc/%d/%s", (int)kept, file);
    pid_t other = fork();
    if (other == 0) {
        if (geteuid() == 0 && setuid(NOBODY) != 0)
            _exit(2);
        _exit(open(path, O_RDONLY) < 0 ? 1 : 0);
    }
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    kill(kept, SIGKILL);
    waitpid(kept, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    return WEXITSTATUS(status) == 0;
}

START_TEST(no_other_process_reads_its_memory_or_environment) {
    ck_assert(can_read(false, "environ"));
    ck_assert(!can_read(true, "environ"));
    ck_assert(!can_read(true, "mem"));
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_crash_leaves_no_core);
    tcase_add_test(all, a_core_can_be_allowed);
    tcase_add_test(all, files_are_its_users_alone);
    tcase_add_test(all, no_other_process_reads_its_memory_or_environment);
}

SUITE_MAIN("secrecy", add)
