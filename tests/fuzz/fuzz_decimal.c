/* Any text as a JSON number, as a model's number, as a value to compare: what is taken agrees with itself. */
#include <leadstream/decimal.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct bytes text = {data, n};
    uint8_t plain[512], again[512];
    int64_t value = 0;
    int order = 0;
    size_t length = decimal_plain(text, plain, sizeof plain);
    MUST(length <= sizeof plain);
    if (length) {
        struct bytes number = {plain, length};
        MUST(decimal_plain(number, again, sizeof again) == length && !memcmp(plain, again, length));
        MUST(decimal_compare(number, 0, &order));
        MUST((order < 0) == (plain[0] == '-'));
    }
    if (decimal_scaled(text, 2, INT64_MAX - 1, &value) == DECIMAL_OK) {
        MUST(decimal_compare(text, value, &order) && order == 0);
        MUST(value == INT64_MIN || (decimal_compare(text, value - 1, &order) && order == 1));
        char out[DECIMAL_TEXT];
        size_t m = decimal_format(value, out);
        MUST(decimal_compare((struct bytes){(const uint8_t *)out, m}, value, &order) && order == 0);
    }
    return 0;
}
