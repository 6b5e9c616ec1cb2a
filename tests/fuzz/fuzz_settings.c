/* Any bytes as a configuration file: problems, each with words, or settings that are whole. */
#include "app/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct problems problems = {0};
    struct settings *settings = settings_read((struct bytes){data, n}, "fuzz/leadstream.yaml", &problems);
    MUST((settings == NULL) == (problems.errors > 0));
    for (size_t i = 0; i < problems.n; i++)
        MUST(problems.list[i].words[0]);
    if (settings) {
        MUST(settings->model && settings->n_sources && settings->n_kafka && settings->instance && settings->store.path);
        for (size_t i = 0; i < settings->n_sources; i++)
            MUST(settings->sources[i].topic && settings->sources[i].mapping.n_fields <= 64);
    }
    settings_free(&settings);
    problems_fini(&problems);
    return 0;
}
