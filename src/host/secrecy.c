/* Both the limit and the flag: the flag alone keeps core files from programs that the kernel hands them to
 * (core_pattern with a pipe), the limit holds where something sets the flag again. */
#include "host/secrecy.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void limit_core(rlim_t bytes) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
        setrlimit(RLIMIT_CORE, &limit);
    }
}

void secrecy_begin(void) {
    umask(S_IRWXG | S_IRWXO);
    limit_core(0);
    prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
}

void secrecy_allow_core(void) {
    limit_core(RLIM_INFINITY);
    prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
}

bool secrecy_is_root(void) {
    return geteuid() == 0;
}
