/* libcurl, kept short: fixed time-outs, no redirects, nothing but http and https, answers cut at 1 MiB. Messages name
 * the server and libcurl's reason, never user or password; a URL that has them in it is refused for that reason. */
#include "adapters/registry_http.h"

#include "base/guard.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_URLS = 8, MAX_ANSWER = 1024 * 1024, MAX_URL = 2048 };
#define MEDIA "application/vnd.schemaregistry.v1+json"

struct registry_http {
    CURL *curl;
    struct curl_slist *headers;
    size_t n_urls;
    char *urls[MAX_URLS];
    size_t first;           /* the one that answered last is asked first */
    uint8_t *body;          /* MAX_ANSWER bytes */
    size_t n_body;
    bool too_large;         /* the answer; libcurl knows no more than that writing failed */
    atomic_bool stop;
    char reason[CURL_ERROR_SIZE];
};

static bool add_url(struct registry_http *http, const char *at, size_t n, struct err *e) {
    while (n && at[n - 1] == '/')
        n--;
    bool scheme = !strncmp(at, "http://", 7) || !strncmp(at, "https://", 8);
    if (!scheme || memchr(at, '@', n) || n > MAX_URL / 2)
        return err_set(e, ERR_CONFIG, NULL, "registry.url is not of the form http://host:port or https://host:port%s",
                       memchr(at, '@', n) ? " (user and password go to registry.user and registry.password)" : "");
    if (http->n_urls == MAX_URLS)
        return err_set(e, ERR_CONFIG, NULL, "registry.url has more than %d servers", MAX_URLS);
    http->urls[http->n_urls] = strndup(at, n);
    MUST(http->urls[http->n_urls++] != NULL);
    return true;
}

static bool add_urls(struct registry_http *http, const char *url, struct err *e) {
    for (;;) {
        url += strspn(url, " ");
        size_t n = strcspn(url, ", ");
        if (!add_url(http, url, n, e))
            return false;
        url += n;
        url += strspn(url, " ");
        if (*url != ',')
            return !*url || err_set(e, ERR_CONFIG, NULL, "registry.url: servers are divided by commas");
        url++;
    }
}

static size_t on_body(char *at, size_t one, size_t n, void *self) {
    struct registry_http *http = self;
    n *= one;
    if (GUARD(answer_size) && n > MAX_ANSWER - http->n_body) {
        http->too_large = true;
        return 0;
    }
    memcpy(http->body + http->n_body, at, n);
    http->n_body += n;
    return n;
}

static int on_progress(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    struct registry_http *http = self;
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&http->stop);
}

static void set_up(struct registry_http *http, const struct registry_options *options) {
    CURL *c = http->curl;
    http->headers = curl_slist_append(http->headers, "Accept: " MEDIA ", application/json");
    http->headers = curl_slist_append(http->headers, "Content-Type: " MEDIA);
    http->headers = curl_slist_append(http->headers, "Expect:");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_UNRESTRICTED_AUTH, 0L);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    if (options->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, options->ca_file);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "leadstream");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(options->connect_ms ? options->connect_ms : 2000));
    if (GUARD(registry_timeout))
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(options->total_ms ? options->total_ms : 5000));
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->reason);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, http);
    if (!options->user && !options->password)
        return;
    curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(c, CURLOPT_USERNAME, options->user ? options->user : "");
    curl_easy_setopt(c, CURLOPT_PASSWORD, options->password ? options->password : "");
}

struct registry_http *registry_http_new(const struct registry_options *options, struct err *e) {
    struct registry_http *http = calloc(1, sizeof *http);
    MUST(http != NULL);
    if (!add_urls(http, options->url, e)) {
        registry_http_free(&http);
        return NULL;
    }
    MUST(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    http->curl = curl_easy_init();
    http->body = malloc(MAX_ANSWER);
    MUST(http->curl != NULL && http->body != NULL);
    set_up(http, options);
    return http;
}

void registry_http_free(struct registry_http **http) {
    if (!*http)
        return;
    for (size_t i = 0; i < (*http)->n_urls; i++)
        free((*http)->urls[i]);
    curl_easy_cleanup((*http)->curl);
    curl_slist_free_all((*http)->headers);
    free((*http)->body);
    free(*http);
    *http = NULL;
}

void registry_http_stop(struct registry_http *http) {
    atomic_store(&http->stop, true);
}

static bool failed(CURLcode code, const char *server, const char *reason, struct err *e) {
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return err_set(e, ERR_AUTH, server, "%.200s (registry.ca_file says whom to believe)", reason);
    return err_set(e, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, server, "%.200s", reason);
}

/* One server. False: it did not answer, or with a failure of its own. */
static bool ask_one(struct registry_http *http, const char *server, const char *path, const char *body,
                    struct registry_answer *answer, struct err *e) {
    char url[MAX_URL];
    int n = snprintf(url, sizeof url, "%s%s", server, path);
    MUST(n > 0 && (size_t)n < sizeof url);
    http->n_body = 0;
    http->too_large = false;
    http->reason[0] = 0;
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    if (body) {
        curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
    } else {
        curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(http->curl);
    if (http->too_large)
        return err_set(e, ERR_UNAVAILABLE, server, "the answer is larger than %d bytes", MAX_ANSWER);
    if (code != CURLE_OK)
        return failed(code, server, http->reason[0] ? http->reason : curl_easy_strerror(code), e);
    *answer = (struct registry_answer){0, {http->body, http->n_body}, server};
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    return answer->status < 500 || err_set(e, ERR_UNAVAILABLE, server, "answered %ld", answer->status);
}

bool registry_http_ask(struct registry_http *http, const char *path, const char *body, struct registry_answer *answer,
                       struct err *e) {
    for (size_t i = 0; i < http->n_urls; i++) {
        size_t at = (http->first + i) % http->n_urls;
        if (ask_one(http, http->urls[at], path, body, answer, e)) {
            http->first = at;
            return true;
        }
    }
    return false;
}

bool registry_http_escape(struct registry_http *http, const char *text, char *out, size_t cap) {
    char *escaped = curl_easy_escape(http->curl, text, 0);
    MUST(escaped != NULL);
    int n = snprintf(out, cap, "%s", escaped);
    curl_free(escaped);
    return n >= 0 && (size_t)n < cap;
}
