/* A crash note: what of the input was at work when the process failed. As bytes, for a file.
 *
 * 512 bytes, numbers little endian: "LSCRASH1", checksum u64 (XXH3 of all that follows), time i64 (ms since 1970),
 * signal u32, shard u32, index u32, offset i64, then topic and words, each as a length u16 and its text; zeros. Notes
 * lie one behind the other; one that is torn or foreign is passed over. Of a timer (index ENGINE_TIMER) the offset is the
 * due time, and what stands for the topic is `timer ` and the hash of its lead in 16 hex digits: no topic has a blank. */
#ifndef LEADSTREAM_CRASH_NOTE_H
#define LEADSTREAM_CRASH_NOTE_H

#include <leadstream/bytes.h>

enum { CRASH_NOTE_SIZE = 512, CRASH_NOTE_TEXT = 256 };

struct crash_note {
    int64_t time;                   /* ms since 1970 */
    uint32_t signal;
    uint32_t shard, index;          /* index ENGINE_WHOLE_RECORD: while it was decoded */
    int64_t offset;
    char topic[CRASH_NOTE_TEXT];    /* its name; of a timer see above */
    char words[CRASH_NOTE_TEXT];    /* the check that failed and where; may be cut, may be empty */
};

/* Safe within a signal handler. Words that are too long are cut. */
void crash_note_write(const struct crash_note *note, uint8_t out[CRASH_NOTE_SIZE]);

/* What stands for the topic of a timer's note, and back (false: it is none). The first is safe within a signal handler. */
void crash_note_name_timer(struct crash_note *note, uint64_t lead);
bool crash_note_timer(const struct crash_note *note, uint64_t *lead);

/* Takes the next note from the bytes, which then begin after it; any bytes will do. False: there is none. */
bool crash_note_next(struct bytes *from, struct crash_note *note);

#endif
