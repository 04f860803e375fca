#include "engine/pull-fault.h"

#include <string.h>

#include "base/str.h"

/*
 * The first row that is found counts. What is about the way there comes before what the registry says: a proxy's
 * "not found" stands in words about the connection, never the other way round.
 */
static const struct {
        const char *words; /* lower case */
        PullFault fault;
} word_rows[] = {
        { "no space left on device", PULL_FAULT_NO_SPACE },
        { "no such host", PULL_FAULT_NO_HOST },
        { "temporary failure in name resolution", PULL_FAULT_NO_HOST },
        { "server misbehaving", PULL_FAULT_NO_HOST }, /* the DNS server */
        { "dial udp", PULL_FAULT_NO_HOST },           /* the same, out of reach */
        { "read udp", PULL_FAULT_NO_HOST },
        { "x509:", PULL_FAULT_TLS },
        { "tls: ", PULL_FAULT_TLS },
        { "server gave http response to https client", PULL_FAULT_TLS },
        { "malformed http response", PULL_FAULT_TLS }, /* plain HTTP asked of a TLS port */
        { "connection refused", PULL_FAULT_AWAY },
        { "connection reset", PULL_FAULT_AWAY },
        { "no route to host", PULL_FAULT_AWAY },
        { "network is unreachable", PULL_FAULT_AWAY },
        { "i/o timeout", PULL_FAULT_AWAY },
        { "tls handshake timeout", PULL_FAULT_AWAY },
        { "client.timeout exceeded", PULL_FAULT_AWAY },
        { "context deadline exceeded", PULL_FAULT_AWAY },
        { "toomanyrequests", PULL_FAULT_RATE_LIMITED },
        { "too many requests", PULL_FAULT_RATE_LIMITED },
        { "pull rate limit", PULL_FAULT_RATE_LIMITED },
        { "no image found in manifest list for", PULL_FAULT_NO_PLATFORM },
        { "no image found in image index for", PULL_FAULT_NO_PLATFORM },
        { "no matching manifest for", PULL_FAULT_NO_PLATFORM },
        { "does not match the specified platform", PULL_FAULT_NO_PLATFORM },
        { "unauthorized", PULL_FAULT_DENIED },
        { "authentication required", PULL_FAULT_DENIED },
        { "invalid username/password", PULL_FAULT_DENIED },
        { "no basic auth credentials", PULL_FAULT_DENIED },
        { "permission denied", PULL_FAULT_OTHER }, /* of a file of the engine's */
        { "denied", PULL_FAULT_DENIED }, /* "pull access denied", "requested access to the resource is denied" */
        { "forbidden", PULL_FAULT_DENIED },
        { "repository does not exist or may require", PULL_FAULT_DENIED },
        { "manifest unknown", PULL_FAULT_NOT_FOUND },
        { "manifest_unknown", PULL_FAULT_NOT_FOUND },
        { "name unknown", PULL_FAULT_NOT_FOUND },
        { "repository name not known", PULL_FAULT_NOT_FOUND },
        { "image not known", PULL_FAULT_NOT_LOCAL },
        { "no such image", PULL_FAULT_NOT_LOCAL },
        { "internal server error", PULL_FAULT_BROKEN },
        { "bad gateway", PULL_FAULT_BROKEN },
        { "service unavailable", PULL_FAULT_BROKEN },
        { "gateway time", PULL_FAULT_BROKEN },
        { "unexpected eof", PULL_FAULT_BROKEN },
        { "unexpected http status", PULL_FAULT_BROKEN },
        { "digest did not match", PULL_FAULT_BROKEN },
        { "not found", PULL_FAULT_NOT_FOUND },
};

static const struct {
        const char *advice;
        bool may_pass;
        const char *docker; /* where Docker's advice is another */
} faults[_PULL_FAULT_MAX] = {
        [PULL_FAULT_NOT_FOUND] = { "the registry has no such image or tag: look at the spelling" },
        [PULL_FAULT_DENIED] = { "the registry wants another login, or has no such image: log in with 'podman login', "
                                "or name a file of logins with --authfile",
                                .docker = "the registry wants another login, or has no such image: log in with 'docker "
                                          "login', or name a file of logins with --authfile" },
        [PULL_FAULT_NO_HOST] = { "the registry's name has no address: look at the spelling, or at this machine's DNS",
                                 true },
        [PULL_FAULT_AWAY] = { "the registry does not answer", true },
        [PULL_FAULT_TLS] = { "the registry's certificate is not trusted, or it speaks plain HTTP: put its CA into "
                             "~/.config/containers/certs.d/HOST:PORT/ca.crt, or allow plain HTTP with 'insecure' in "
                             "registries.conf",
                             .docker = "the registry's certificate is not trusted, or it speaks plain HTTP: let root "
                                       "put its CA into /etc/docker/certs.d/HOST:PORT/ca.crt, or allow plain HTTP with "
                                       "'insecure-registries' in /etc/docker/daemon.json" },
        [PULL_FAULT_RATE_LIMITED] = { "the registry allows no more pulls for now: wait, or log in for a higher limit",
                                      true },
        [PULL_FAULT_BROKEN] = { "the registry is not in order", true },
        [PULL_FAULT_NO_PLATFORM] = { "the image is not made for this platform" },
        [PULL_FAULT_NOT_LOCAL] = { "the image is not on this machine" },
        [PULL_FAULT_NO_SPACE] = { "the disk of the engine is full: 'podstep prune' makes room" },
};

static PullFault from_status(int status) {
        switch (status) {
        case 401:
        case 403:
                return PULL_FAULT_DENIED;
        case 429:
                return PULL_FAULT_RATE_LIMITED;
        default:
                return PULL_FAULT_OTHER;
        }
}

PullFault pull_fault_find(int status, const char *words) {
        PullFault fault = from_status(status);

        if (fault != PULL_FAULT_OTHER)
                return fault;
        FOREACH_ROW(row, word_rows)
                if (words && strcasestr(words, row->words))
                        return row->fault;
        return status == 404 ? PULL_FAULT_NOT_FOUND : PULL_FAULT_OTHER;
}

const char *pull_fault_advice(PullFault fault, const char *engine) {
        return faults[fault].docker && str_equal(engine, "docker") ? faults[fault].docker : faults[fault].advice;
}

bool pull_fault_may_pass(PullFault fault) {
        return faults[fault].may_pass;
}
