/* The keyed hash of erased leads, by OpenSSL. The context is kept ready, because every lead that is new is looked up by
 * its hash. */
#include "adapters/erasure.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

#define MAGIC 0x65726173u
enum { SHA256 = 32 };

struct erasure {
    uint32_t magic;
    uint8_t key[ERASURE_MOST_KEY];
    size_t n;
    EVP_MAC_CTX *context;
};

static void make_context(struct erasure *erasure) {
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    MUST(mac != NULL);
    erasure->context = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    /* A key of no bytes is a pointer to none, not NULL, which would say: the key as before. */
    MUST(erasure->context && EVP_MAC_init(erasure->context, erasure->key, erasure->n, params));
}

static struct erasure *make(void) {
    struct erasure *erasure = calloc(1, sizeof *erasure);
    MUST(erasure != NULL);
    erasure->magic = MAGIC;
    return erasure;
}

static bool read_key(struct erasure *erasure, const char *path, struct err *e) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set(e, ERR_CONFIG, path, "erasure.key_file cannot be read: %s", strerror(errno));
    uint8_t more;
    setvbuf(file, NULL, _IONBF, 0); /* no copy of the key in a buffer that is freed as it is */
    erasure->n = fread(erasure->key, 1, sizeof erasure->key, file);
    bool failed = ferror(file) != 0, longer = fread(&more, 1, 1, file) == 1;
    fclose(file);
    if (failed)
        return err_set(e, ERR_CONFIG, path, "erasure.key_file cannot be read: %s", strerror(EIO));
    while (!longer && erasure->n > 0 && (erasure->key[erasure->n - 1] == '\n' || erasure->key[erasure->n - 1] == '\r'))
        erasure->n--;
    if (erasure->n < ERASURE_LEAST_KEY || longer)
        return err_set(e, ERR_CONFIG, path,
                       "erasure.key_file has %s%zu bytes: a key has %d to %d (openssl rand -hex 32)",
                       longer ? "more than " : "", erasure->n, ERASURE_LEAST_KEY, ERASURE_MOST_KEY);
    return true;
}

struct erasure *erasure_new(const char *key_file, struct err *e) {
    struct erasure *erasure = make();
    if (key_file && !read_key(erasure, key_file, e)) {
        erasure_free(&erasure);
        return NULL;
    }
    make_context(erasure);
    return erasure;
}

struct erasure *erasure_copy(const struct erasure *erasure) {
    MUST(erasure->magic == MAGIC);
    struct erasure *copy = make();
    memcpy(copy->key, erasure->key, erasure->n);
    copy->n = erasure->n;
    make_context(copy);
    return copy;
}

void erasure_free(struct erasure **erasure) {
    if (!*erasure)
        return;
    MUST((*erasure)->magic == MAGIC);
    EVP_MAC_CTX_free((*erasure)->context);
    OPENSSL_cleanse(*erasure, sizeof **erasure);
    free(*erasure);
    *erasure = NULL;
}

static void hash(struct erasure *erasure, struct bytes text, uint8_t out[SHA256]) {
    size_t n = 0;
    MUST(erasure->magic == MAGIC);
    MUST(EVP_MAC_init(erasure->context, NULL, 0, NULL) == 1);
    MUST(EVP_MAC_update(erasure->context, text.at, text.n) == 1);
    MUST(EVP_MAC_final(erasure->context, out, &n, SHA256) == 1 && n == SHA256);
}

void erasure_hash(struct erasure *erasure, struct bytes lead, uint8_t out[ERASURE_HASH]) {
    uint8_t whole[SHA256];
    hash(erasure, lead, whole);
    memcpy(out, whole, ERASURE_HASH);
}

uint64_t erasure_fingerprint(struct erasure *erasure) {
    uint8_t whole[SHA256];
    if (erasure->n == 0)
        return 0;
    /* A lead's id is never empty, so this is the hash of none. */
    hash(erasure, (struct bytes){whole, 0}, whole);
    struct reader r = reader_of((struct bytes){whole, sizeof whole});
    uint64_t fingerprint = reader_u64(&r);
    return fingerprint ? fingerprint : 1;
}
