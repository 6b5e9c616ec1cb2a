/* Structured logs: one fact a line, logfmt, on stderr. A line is written under a lock that nothing else is taken in.
 *
 *   ts=2026-11-22T10:00:00.000Z level=info event=restored shard=3 records=120000
 *
 * A call site prints at most LOG_BURST lines per LOG_WINDOW (LOG_RARELY: one a minute); the next line after a silence
 * says how many it kept back.
 * Personal data (lead ids, profile values) may only be logged at debug. */
#ifndef LEADSTREAM_LOG_H
#define LEADSTREAM_LOG_H

#include <leadstream/err.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum { LOG_BURST = 10, LOG_WINDOW = 10000, LOG_RARE = 60000 /* ms */ };

/* A call site's own count, made by the macros. */
struct log_site {
    _Atomic int64_t window;
    _Atomic uint32_t printed;
    _Atomic uint32_t kept_back;
    bool rare;
};

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* `event` is a word; the format gives `key=value` pairs ("" for none). Use "%s" for a text value only through
 * log_quoted. Use the macros. */
void log_write(enum log_level level, struct log_site *site, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Writes text as a quoted value ("..." with \" \\ \n escaped, cut to fit) and returns out. */
const char *log_quoted(char *out, size_t n, const char *text);

/* An error as pairs: code, where and words. */
void log_err(enum log_level level, struct log_site *site, const char *event, const struct err *e);

#define LOG(level, event, ...)                                                                                        \
    do {                                                                                                              \
        static struct log_site log_site_;                                                                             \
        if (log_enabled(level))                                                                                       \
            log_write((level), &log_site_, (event), __VA_ARGS__);                                                     \
    } while (0)
/* For what somebody else repeats all the time. */
#define LOG_RARELY(level, event, ...)                                                                                 \
    do {                                                                                                              \
        static struct log_site log_site_ = {.rare = true};                                                            \
        if (log_enabled(level))                                                                                       \
            log_write((level), &log_site_, (event), __VA_ARGS__);                                                     \
    } while (0)
#define LOG_ERR(level, event, e)                                                                                      \
    do {                                                                                                              \
        static struct log_site log_site_;                                                                             \
        if (log_enabled(level))                                                                                       \
            log_err((level), &log_site_, (event), (e));                                                               \
    } while (0)

#endif
