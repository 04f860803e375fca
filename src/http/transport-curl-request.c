/* One request as libcurl wants to have it: its options, and what it calls for the bytes. */

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "http/transport-curl-internal.h"

static size_t on_header(char *bytes, size_t size, size_t n, void *userdata) {
        CurlExchange *x = userdata;
        size_t n_line = n;

        while (n_line > 0 && (bytes[n_line - 1] == '\n' || bytes[n_line - 1] == '\r'))
                n_line--;
        if (n_line == 0)
                x->saw_head = true;
        if (!x->is_dropped && n_line > 0)
                x->sink_r = x->spec.on_header(bytes, n_line, x->spec.userdata);
        return x->is_dropped || x->sink_r < 0 ? 0 : n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *userdata) {
        CurlExchange *x = userdata;

        if (n == 0)
                return 0;
        if (!x->is_dropped)
                x->sink_r = x->spec.on_body(bytes, n, x->spec.userdata);
        return x->is_dropped || x->sink_r < 0 ? 0 : n;
}

static size_t on_source(char *buffer, size_t size, size_t n, void *userdata) {
        CurlExchange *x = userdata;
        ssize_t got = x->is_dropped ? -ECANCELED : x->spec.source(buffer, size * n, x->spec.userdata);

        if (got >= 0)
                return (size_t) got;
        x->sink_r = (int) got;
        return CURL_READFUNC_ABORT;
}

#define SET(option, value) \
        if (code == CURLE_OK) \
        code = t->curl->easy_setopt(easy, CURLOPT_##option, value)

int curl_set_headers(CurlTransport *t, CurlExchange *x) {
        /* Curl would add these of its own; the request names its own where it has some. */
        static const char *const unwanted[] = { "Expect:", "Accept:", "Content-Type:" };
        struct curl_slist *list = NULL;

        for (size_t i = 0; i < ELEMENTSOF(unwanted); i++) {
                list = t->curl->slist_append(x->headers, unwanted[i]);
                if (!list)
                        return -ENOMEM;
                x->headers = list;
        }
        STRV_FOREACH(header, x->spec.headers) {
                list = t->curl->slist_append(x->headers, *header);
                if (!list)
                        return -ENOMEM;
                x->headers = list;
        }
        return t->curl->easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK ? 0 : -ENOMEM;
}

CURLcode curl_set_connection(CurlTransport *t, CURL *easy, bool is_fresh) {
        CURLcode code = CURLE_OK;

        if (t->spec.unix_socket) {
                SET(UNIX_SOCKET_PATH, t->spec.unix_socket);
                SET(PROXY, "");
        } else {
                SET(TCP_KEEPALIVE, 1L);
        }
        SET(PROTOCOLS_STR, "http,https");
        SET(CONNECTTIMEOUT_MS, (long) (TRANSPORT_CONNECT_USEC / USEC_PER_MSEC));
        SET(MAXAGE_CONN, (long) TRANSPORT_IDLE_SEC);
        SET(FRESH_CONNECT, (long) is_fresh);
        if (t->spec.ca_file) { /* it alone is trusted, not the system's too */
                SET(CAINFO, t->spec.ca_file);
                SET(CAPATH, NULL);
        }
        SET(SSLCERT, t->spec.cert_file);
        SET(SSLKEY, t->spec.key_file);
        SET(SSL_VERIFYPEER, t->spec.skips_verify ? 0L : 1L);
        SET(SSL_VERIFYHOST, t->spec.skips_verify ? 0L : 2L);
        return code;
}

CURLcode curl_set_request(CurlTransport *t, CurlExchange *x) {
        CURL *easy = x->easy;
        CURLcode code = CURLE_OK;

        SET(NOSIGNAL, 1L);
        SET(HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        SET(FOLLOWLOCATION, 0L);
        SET(PATH_AS_IS, 1L);
        SET(URL, x->url);
        SET(PRIVATE, &x->owner);
        SET(ERRORBUFFER, x->text);
        SET(HEADERFUNCTION, on_header);
        SET(HEADERDATA, x);
        SET(WRITEFUNCTION, on_body);
        SET(WRITEDATA, x);
        if (strcmp(x->spec.method, "HEAD") == 0) {
                SET(NOBODY, 1L);
        } else if (x->spec.source) { /* of unknown length: curl sends chunks by itself */
                SET(UPLOAD, 1L);
                SET(READFUNCTION, on_source);
                SET(READDATA, x);
                SET(CUSTOMREQUEST, x->spec.method);
        } else if (x->spec.body || strcmp(x->spec.method, "POST") == 0 || strcmp(x->spec.method, "PUT") == 0) {
                SET(POSTFIELDSIZE_LARGE, (curl_off_t) x->spec.n_body);
                SET(POSTFIELDS, x->spec.body ? x->spec.body : "");
                SET(CUSTOMREQUEST, x->spec.method);
        } else if (strcmp(x->spec.method, "GET") != 0) {
                SET(CUSTOMREQUEST, x->spec.method);
        }
        return code;
}
