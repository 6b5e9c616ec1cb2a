/* Structured logs. A line is built on the caller's stack and written with one call, under the lock. */
#include "host/log.h"

#include "host/clock.h"
#include <leadstream/when.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static _Atomic int current_level = LOG_LEVEL_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *const names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level) {
    atomic_store(&current_level, (int)level);
}

bool log_enabled(enum log_level level) {
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

/* True where the site may print now; *kept_back is what it kept back before. */
static bool allowed(struct log_site *site, int64_t now, uint32_t *kept_back) {
    *kept_back = 0;
    int64_t window = atomic_load(&site->window);
    if (now - window >= (site->rare ? LOG_RARE : LOG_WINDOW) || now < window) {
        if (atomic_compare_exchange_strong(&site->window, &window, now)) {
            atomic_store(&site->printed, 0);
            *kept_back = atomic_exchange(&site->kept_back, 0);
        }
    }
    if (atomic_fetch_add(&site->printed, 1) < (site->rare ? 1u : (uint32_t)LOG_BURST))
        return true;
    atomic_fetch_add(&site->kept_back, 1);
    return false;
}

void log_write(enum log_level level, struct log_site *site, const char *event, const char *format, ...) {
    int64_t now = clock_wall_ms();
    uint32_t kept_back = 0;
    if (level != LOG_LEVEL_DEBUG && !allowed(site, now, &kept_back))
        return; /* who asks for debug wants all of it */
    char ts[WHEN_TEXT], pairs[1024], line[1280];
    when_format(now, ts);
    va_list args;
    va_start(args, format);
    vsnprintf(pairs, sizeof pairs, format, args);
    va_end(args);
    for (char *p = pairs; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    char more[40] = "";
    if (kept_back)
        snprintf(more, sizeof more, " kept_back=%u", kept_back);
    snprintf(line, sizeof line, "ts=%s level=%s event=%s%s%s%s\n", ts, names[level], event, *pairs ? " " : "", pairs,
             more);
    pthread_mutex_lock(&lock);
    fputs(line, stderr);
    pthread_mutex_unlock(&lock);
}

const char *log_quoted(char *out, size_t n, const char *text) {
    MUST(n >= 8);
    size_t at = 0;
    out[at++] = '"';
    for (const char *p = text; *p && at + 4 < n; p++) {
        if (*p == '"' || *p == '\\' || *p == '\n')
            out[at++] = '\\';
        out[at++] = *p == '\n' ? 'n' : *p;
    }
    out[at++] = '"';
    out[at] = 0;
    return out;
}

void log_err(enum log_level level, struct log_site *site, const char *event, const struct err *e) {
    char where[200], words[400];
    log_write(level, site, event, "code=%s where=%s words=%s", err_name(e->code),
              log_quoted(where, sizeof where, e->where), log_quoted(words, sizeof words, e->words));
}
