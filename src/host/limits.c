/* Limits of the process; see the header. */
#include "host/limits.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

bool limits_files(unsigned long needed, struct err *e) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return err_set(e, ERR_DISK, NULL, "the limit of open files cannot be read: %s", strerror(errno));
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit most = {limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &most) == 0)
            limit = most;
    }
    if (limit.rlim_cur >= needed)
        return true;
    return err_set(e, ERR_DISK, NULL,
                   "too many open files would be needed: %lu, where %lu are allowed. Raise the limit (ulimit -n %lu, or "
                   "LimitNOFILE of the service)",
                   needed, (unsigned long)limit.rlim_cur, needed);
}
