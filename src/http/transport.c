#include "http/transport.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "http/exchange.h"

int transport_new(sd_event *event, const TransportSpec *spec, Transport **ret, Error **reterr) {
        return spec->unix_socket ? transport_unix_new(event, spec, ret, reterr)
                                 : transport_curl_new(event, spec, ret, reterr);
}

int transport_init(Transport *transport, const TransportClass *class, sd_event *event, const char *address) {
        *transport =
                (Transport) { .class = class, .event = sd_event_ref(event), .address = strdup(address), .n_ref = 1 };
        return transport->address ? deadlines_init(&transport->deadlines, event) : -ENOMEM;
}

Transport *transport_ref(Transport *transport) {
        transport->n_ref++;
        return transport;
}

void transport_unref(Transport *transport) {
        assert(transport->n_ref > 0);
        if (--transport->n_ref > 0)
                return;
        sd_event *event = transport->event;
        char *address = transport->address;

        deadlines_done(&transport->deadlines);
        transport->class->destroy(transport);
        sd_event_unref(event);
        free(address);
}

Transport *transport_free(Transport *transport) {
        if (transport)
                transport_unref(transport);
        return NULL;
}

Deadlines *transport_deadlines(Transport *transport) {
        return &transport->deadlines;
}

int transport_explain_connect(const Transport *transport, int errnum, Error **reterr) {
        switch (errnum) {
        case ENOENT:
        case ECONNREFUSED:
        case ENOTSOCK:
                return error_set(reterr, ECONNREFUSED, "nobody listens at %s", transport->address);
        case EACCES:
        case EPERM:
                return error_set(reterr, EACCES, "%s may not be used by this user: %s", transport->address,
                                 strerror(errnum));
        case EAGAIN:
        case ETIMEDOUT:
                return error_set(reterr, ETIMEDOUT, "%s did not take the connection within %us", transport->address,
                                 (unsigned) (TRANSPORT_CONNECT_USEC / USEC_PER_SEC));
        case ENOMEM:
                return error_oom(reterr);
        default:
                return error_set(reterr, ECONNREFUSED, "connecting to %s: %s", transport->address, strerror(errnum));
        }
}

int exchange_start(Transport *transport, const ExchangeSpec *spec, Exchange **ret) {
        return transport->class->start(transport, spec, ret);
}

Exchange *exchange_drop(Exchange *exchange) {
        if (exchange)
                exchange->transport->class->drop(exchange);
        return NULL;
}
