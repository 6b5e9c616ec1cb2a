/* Any bytes as a file of crash notes: read to the end, and what is read is written as the same bytes. */
#include "app/crash_note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes rest = {data, size};
    struct crash_note note, again;
    for (size_t left = size; crash_note_next(&rest, &note); left = rest.n) {
        uint8_t bytes[CRASH_NOTE_SIZE];
        if (rest.n + CRASH_NOTE_SIZE > left || !note.topic[0] || note.offset < 0)
            abort();
        crash_note_write(&note, bytes);
        struct bytes one = {bytes, sizeof bytes};
        if (!crash_note_next(&one, &again) || memcmp(&note.offset, &again.offset, sizeof note.offset) != 0)
            abort();
    }
    return 0;
}
