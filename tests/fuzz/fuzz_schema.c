/* Any text is a schema or is refused; what is a schema prints as one that parses to the same, and compiles. */
#include "codec/avro_program.h"
#include "codec/schema.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct schemas *set = schemas_new();
    struct err e;
    const struct schema *schema = schemas_add(set, (struct bytes){data, size}, 1, &e);
    if (schema) {
        struct schemas *other = schemas_new();
        const struct schema *again = schemas_add(other, schema_canonical(schema), -1, &e);
        MUST(again && bytes_equal(schema_canonical(again), schema_canonical(schema)));
        schemas_free(&other);
        struct avro_program *program = avro_program_new(schema_root(schema), NULL, 0, &e);
        struct reader r = reader_of((struct bytes){data, size});
        struct avro_run *run = malloc(sizeof *run);
        MUST(run != NULL);
        if (program && avro_program_run(program, &r, run, &e))
            MUST(r.ok);
        free(run);
        avro_program_free(&program);
    } else {
        MUST(err_class(e.code) == ERR_CLASS_REJECT && e.words[0]);
    }
    schemas_free(&set);
    return 0;
}
