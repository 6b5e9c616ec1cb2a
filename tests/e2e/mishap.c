/* Preloaded into the daemon by tests: bugs that it does not have. Nothing of this is in the program.
 *
 * A function of a library that the program calls at a known moment is put in the way, and fails where it sees a certain
 * text:
 *   XXH3_128bits   while an event is applied, or a timer fires (the id of a record is a hash with its lead and its
 *                  cause's id in it);
 *   yajl_parse     while a JSON record is decoded;
 *   EVP_MAC_update while an erasure is written to the changelog, at a batch's end.
 * MISHAP_APPLY, MISHAP_TIMER, MISHAP_DECODE and MISHAP_END say how: abort, segv or kill. MISHAP_COMMIT names a file: while it is there,
 * rd_kafka_commit_transaction does not return. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    uint64_t low, high;
} hash128;

hash128 XXH3_128bits(const void *input, size_t n);
int yajl_parse(void *handle, const unsigned char *text, size_t n);
int EVP_MAC_update(void *context, const unsigned char *data, size_t n);
void *rd_kafka_commit_transaction(void *rk, int wait);

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

static volatile int *volatile nowhere; /* no memory; the compiler may not know */

static void fail(const char *how) {
    if (!how)
        return;
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "kill"))
        kill(getpid(), SIGKILL);
    if (!strcmp(how, "segv"))
        *nowhere = 1;
}

hash128 XXH3_128bits(const void *input, size_t n) {
    static hash128 (*next)(const void *, size_t);
    if (memmem(input, n, "unlucky-apply", 13))
        fail(getenv("MISHAP_APPLY"));
    if (memmem(input, n, "unlucky-timer", 13) && !memmem(input, n, "by-event", 8))
        fail(getenv("MISHAP_TIMER"));
    if (!next)
        *(void **)&next = real("XXH3_128bits");
    return next(input, n);
}

int yajl_parse(void *handle, const unsigned char *text, size_t n) {
    static int (*next)(void *, const unsigned char *, size_t);
    if (memmem(text, n, "unlucky-decode", 14))
        fail(getenv("MISHAP_DECODE"));
    if (!next)
        *(void **)&next = real("yajl_parse");
    return next(handle, text, n);
}

int EVP_MAC_update(void *context, const unsigned char *data, size_t n) {
    static int (*next)(void *, const unsigned char *, size_t);
    if (memmem(data, n, "unlucky-end", 11))
        fail(getenv("MISHAP_END"));
    if (!next)
        *(void **)&next = real("EVP_MAC_update");
    return next(context, data, n);
}

void *rd_kafka_commit_transaction(void *rk, int wait) {
    static void *(*next)(void *, int);
    const char *file = getenv("MISHAP_COMMIT");
    while (file && access(file, F_OK) == 0)
        pause();
    if (!next)
        *(void **)&next = real("rd_kafka_commit_transaction");
    return next(rk, wait);
}
