/* Any text as an instant and as a duration: what is taken must come back from its own canonical text. */
#include <leadstream/when.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    int64_t ms, again;
    char text[WHEN_TEXT];
    if (when_parse((struct bytes){data, n}, &ms) && ms >= WHEN_FIRST && ms <= WHEN_LAST) {
        size_t length = when_format(ms, text);
        MUST(when_parse((struct bytes){(const uint8_t *)text, length}, &again));
        MUST(again == ms);
    }
    if (when_duration((struct bytes){data, n}, &ms)) {
        MUST(ms >= 0 && ms <= 36500 * WHEN_DAY);
        size_t length = when_duration_format(ms, text);
        MUST(when_duration((struct bytes){(const uint8_t *)text, length}, &again));
        MUST(again == ms);
    }
    return 0;
}
