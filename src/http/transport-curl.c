/*
 * libcurl's rules, all kept here: one timer, armed also for 0 ms; curl is never called from inside its own callbacks,
 * so what is dropped there is put on a list; the results are read until there are none; a number of a descriptor may
 * come again the moment it was removed, so its event source is tied to it by curl_multi_assign() and goes with it.
 */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/transport-curl-internal.h"

static void exchange_destroy(CurlExchange *x) {
        CurlTransport *t = container_of(x->exchange.transport, CurlTransport, transport);

        if (x->is_added)
                (void) t->curl->multi_remove_handle(t->multi, x->easy);
        if (x->easy)
                t->curl->easy_cleanup(x->easy);
        t->curl->slist_free_all(x->headers);
        free(x->url);
        free(x);
        transport_unref(&t->transport);
}

static void unlink_waiting(CurlTransport *t, CurlExchange *x) {
        CurlExchange **p = &t->waiting;

        while (*p && *p != x)
                p = &(*p)->next;
        if (*p)
                *p = x->next;
        x->is_waiting = false;
}

static void curl_drop(Exchange *exchange) {
        CurlExchange *x = container_of(exchange, CurlExchange, exchange);
        CurlTransport *t = container_of(exchange->transport, CurlTransport, transport);

        if (x->is_waiting)
                unlink_waiting(t, x);
        x->is_dropped = true;
        if (x->is_added && t->depth > 0) {
                x->next = t->doomed;
                t->doomed = x;
                return;
        }
        exchange_destroy(x);
}

typedef struct ResultRow {
        CURLcode code;
        int errnum;
        const char *text;
} ResultRow;

static const ResultRow results[] = {
        { CURLE_SEND_ERROR, ECONNRESET, "the connection was cut" },
        { CURLE_PARTIAL_FILE, ECONNRESET, "the connection was cut in the middle of the answer" },
        { CURLE_GOT_NOTHING, ECONNRESET, "the connection was cut before an answer came" },
        { CURLE_OUT_OF_MEMORY, ENOMEM, "out of memory" },
};

static int explain(const CurlExchange *x, CURLcode code, long os_errno, Error **reterr) {
        const Transport *transport = x->exchange.transport;
        const CurlTransport *t = container_of(transport, CurlTransport, transport);

        switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
                return error_set(reterr, ECONNREFUSED, "%s: the host is not known", transport->address);
        case CURLE_COULDNT_CONNECT:
                return transport_explain_connect(transport, os_errno ? (int) os_errno : ECONNREFUSED, reterr);
        case CURLE_OPERATION_TIMEDOUT: /* the only time limit that curl was given */
                return transport_explain_connect(transport, ETIMEDOUT, reterr);
        case CURLE_RECV_ERROR:
                /* Without an errno it is not the socket that failed but the form of what came, say a bad chunk. */
                if (os_errno != 0)
                        return error_set(reterr, ECONNRESET, "%s: the connection was cut", transport->address);
                break;
        default:
                FOREACH_ROW(row, results)
                        if (row->code == code)
                                return error_set(reterr, row->errnum, "%s: %s", transport->address, row->text);
        }
        return error_set(reterr, EPROTO, "%s: %s", transport->address,
                         x->text[0] ? x->text : t->curl->easy_strerror(code));
}

static void end_exchange(CurlOwner *owner, CURLcode code) {
        CurlExchange *x = container_of(owner, CurlExchange, owner);
        CurlTransport *t = container_of(x->exchange.transport, CurlTransport, transport);
        _cleanup_(error_freep) Error *error = NULL;
        long os_errno = 0, n_connects = 0;
        int r = 0;

        (void) t->curl->easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &os_errno);
        (void) t->curl->easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &n_connects);
        if (x->is_added)
                (void) t->curl->multi_remove_handle(t->multi, x->easy);
        x->is_added = false;
        if (x->sink_r < 0)
                r = x->sink_r;
        else if (code != CURLE_OK)
                r = explain(x, code, os_errno, &error);
        else if (!x->saw_head) /* 7.88 takes a head that was cut off for a whole reply */
                r = explain(x, CURLE_PARTIAL_FILE, 0, &error);
        x->spec.on_end(r, n_connects == 0, error, x->spec.userdata);
}

/* Outside of curl: what was put off inside, then the results. The transport may be gone afterwards. */
static void settle(CurlTransport *t) {
        CURLMsg *message;
        int n_left;

        while (t->doomed) {
                CurlExchange *x = t->doomed;

                t->doomed = x->next;
                exchange_destroy(x);
        }
        while ((message = t->curl->multi_info_read(t->multi, &n_left))) {
                CURLcode code = message->data.result;
                CurlOwner *owner = NULL;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void) t->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &owner);
                owner->ended(owner, code);
        }
}

static void act(CurlTransport *t, curl_socket_t fd, int what) {
        int n_running;

        (void) transport_ref(&t->transport);
        t->depth++;
        (void) t->curl->multi_socket_action(t->multi, fd, what, &n_running);
        t->depth--;
        settle(t);
        transport_unref(&t->transport);
}

static int on_socket_ready(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        int what = 0;

        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                what |= CURL_CSELECT_IN;
        if (events & (EPOLLOUT | EPOLLERR))
                what |= CURL_CSELECT_OUT;
        act(userdata, fd, what);
        return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

/* Called by curl: it wants to know when the socket is ready. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned) {
        CurlTransport *t = userdata;
        sd_event_source *source = assigned;
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

        if (what == CURL_POLL_REMOVE) {
                sd_event_source_disable_unref(source);
                (void) t->curl->multi_assign(t->multi, fd, NULL);
                return 0;
        }
        if (source)
                return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
        if (sd_event_add_io(t->transport.event, &source, fd, events, on_socket_ready, t) < 0)
                return -1;
        (void) t->curl->multi_assign(t->multi, fd, source);
        return 0;
}

/* Called by curl: it wants to be called after so long, -1: not at all. */
static int on_timer_change(CURLM *multi, long timeout_msec, void *userdata) {
        CurlTransport *t = userdata;

        if (timeout_msec >= 0)
                (void) sd_event_source_set_time(t->timer,
                                                clock_monotonic_usec() + (uint64_t) timeout_msec * USEC_PER_MSEC);
        (void) sd_event_source_set_enabled(t->timer, timeout_msec < 0 ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        return 0;
}

static void on_turn(void *userdata) {
        CurlTransport *t = userdata;

        (void) transport_ref(&t->transport);
        while (t->waiting) {
                CurlExchange *x = t->waiting, *oldest = x;

                for (; x; x = x->next)
                        oldest = x;
                unlink_waiting(t, oldest);
                if (oldest->refused != CURLE_OK)
                        end_exchange(&oldest->owner, oldest->refused);
                else if (t->curl->multi_add_handle(t->multi, oldest->easy) == CURLM_OK)
                        oldest->is_added = true;
                else
                        end_exchange(&oldest->owner, CURLE_OUT_OF_MEMORY);
        }
        act(t, CURL_SOCKET_TIMEOUT, 0);
        transport_unref(&t->transport);
}

static int curl_start(Transport *transport, const ExchangeSpec *spec, Exchange **ret) {
        CurlTransport *t = container_of(transport, CurlTransport, transport);
        CurlExchange *x;

        x = calloc(1, sizeof(*x));
        if (!x)
                return -ENOMEM;
        x->exchange.transport = transport_ref(transport);
        x->owner.ended = end_exchange;
        x->spec = *spec;
        x->url = str_printf("%s%s", t->spec.base_url, spec->path);
        x->easy = t->curl->easy_init();
        if (x->url && x->easy && curl_set_headers(t, x) >= 0) {
                x->refused = curl_set_connection(t, x->easy, spec->is_fresh);
                if (x->refused == CURLE_OK)
                        x->refused = curl_set_request(t, x);
        } else {
                x->refused = CURLE_OUT_OF_MEMORY;
        }
        if (x->refused == CURLE_OUT_OF_MEMORY) {
                exchange_destroy(x);
                return -ENOMEM;
        }
        x->next = t->waiting;
        t->waiting = x;
        x->is_waiting = true;
        turn_post(&t->turn);
        *ret = &x->exchange;
        return 0;
}

static void curl_destroy(Transport *transport) {
        CurlTransport *t = container_of(transport, CurlTransport, transport);

        curl_carriers_free(t);
        if (t->multi)
                (void) t->curl->multi_cleanup(t->multi);
        sd_event_source_disable_unref(t->timer);
        turn_done(&t->turn);
        free((char *) t->spec.unix_socket);
        free((char *) t->spec.base_url);
        free((char *) t->spec.ca_file);
        free((char *) t->spec.cert_file);
        free((char *) t->spec.key_file);
        free(t->host);
        free(t->prefix);
        free(t);
}

static void curl_server(const Transport *transport, const char **ret_host, const char **ret_prefix) {
        const CurlTransport *t = container_of(transport, const CurlTransport, transport);

        *ret_host = t->host;
        *ret_prefix = t->prefix;
}

static const TransportClass curl_class = {
        .start = curl_start, .drop = curl_drop, .destroy = curl_destroy, .connect = curl_connect, .server = curl_server
};

static int copy(const char **to, const char *from) {
        if (!from)
                return 0;
        *to = strdup(from);
        return *to ? 0 : -ENOMEM;
}

static int copy_spec(CurlTransport *t, const TransportSpec *spec) {
        const char *host = strstr(spec->base_url, "://") + strlen("://");

        t->spec.skips_verify = spec->skips_verify;
        t->host = strndup(host, strcspn(host, "/"));
        t->prefix = strdup(host + strcspn(host, "/"));
        if (!t->host || !t->prefix)
                return -ENOMEM;
        if (copy(&t->spec.unix_socket, spec->unix_socket) < 0 || copy(&t->spec.base_url, spec->base_url) < 0 ||
            copy(&t->spec.ca_file, spec->ca_file) < 0 || copy(&t->spec.cert_file, spec->cert_file) < 0 ||
            copy(&t->spec.key_file, spec->key_file) < 0)
                return -ENOMEM;
        return 0;
}

static int make_multi(CurlTransport *t) {
        t->multi = t->curl->multi_init();
        if (!t->multi || t->curl->multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
            t->curl->multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t) != CURLM_OK ||
            t->curl->multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer_change) != CURLM_OK ||
            t->curl->multi_setopt(t->multi, CURLMOPT_TIMERDATA, t) != CURLM_OK ||
            t->curl->multi_setopt(t->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING) != CURLM_OK ||
            t->curl->multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long) TRANSPORT_IDLE_MAX) != CURLM_OK ||
            t->curl->multi_setopt(t->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) TRANSPORT_CONNECTIONS_MAX) !=
                    CURLM_OK)
                return -ENOMEM;
        return 0;
}

int transport_curl_new(sd_event *event, const TransportSpec *spec, Transport **ret, Error **reterr) {
        _cleanup_(transport_unrefp) Transport *transport = NULL;
        const Libcurl *curl;
        CurlTransport *t;
        int r;

        if (!str_starts_with(spec->base_url, "http://") && !str_starts_with(spec->base_url, "https://"))
                return error_set(reterr, EINVAL, "'%s' is no http:// or https:// address", spec->base_url);
        r = libcurl_get(&curl, reterr);
        if (r < 0)
                return r;
        t = calloc(1, sizeof(*t));
        if (!t)
                return error_oom(reterr);
        t->curl = curl;
        transport = &t->transport;
        if (transport_init(transport, &curl_class, event, spec->unix_socket ? spec->unix_socket : spec->base_url) < 0 ||
            copy_spec(t, spec) < 0 || make_multi(t) < 0)
                return error_oom(reterr);
        r = sd_event_add_time(event, &t->timer, CLOCK_MONOTONIC, 0, 1, on_time, t);
        if (r >= 0)
                r = turn_init(&t->turn, event, on_turn, t);
        if (r < 0)
                return error_set(reterr, -r, "adding to the event loop: %s", strerror(-r));
        (void) sd_event_source_set_enabled(t->timer, SD_EVENT_OFF);
        *ret = TAKE_PTR(transport);
        return 0;
}
