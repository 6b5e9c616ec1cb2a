/* Any bytes as a container file: records within bounds and complaints, and then an end. */
#include "codec/avro_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size)
        return 0;
    struct schemas *set = schemas_new();
    struct err e;
    FILE *from = fmemopen((void *)(uintptr_t)data, size, "rb");
    MUST(from != NULL);
    struct avro_file *file = avro_file_new(from, "fuzz", set, &e);
    MUST(file || e.words[0]);
    uint64_t sum = 0, number, calls = 0;
    enum avro_file_status status = AVRO_FILE_RECORD;
    while (file && (status == AVRO_FILE_RECORD || status == AVRO_FILE_BAD)) {
        struct bytes record;
        status = avro_file_next(file, &record, &number, &e);
        for (size_t i = 0; i < record.n; i++)
            sum += record.at[i];
        MUST(status != AVRO_FILE_FAILED && calls++ < (uint64_t)AVRO_FILE_MAX_BLOCK);
    }
    avro_file_free(&file);
    schemas_free(&set);
    return sum == UINT64_MAX;
}
