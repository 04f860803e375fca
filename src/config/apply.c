/* What parts of podstep that know nothing of a configuration are told of it. */

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "config/config.h"

/* Variables that the search for an engine judges itself, with more knowledge than an address has: which may fail, which
 * is Docker's. */
static bool is_judged_by_engine(const ConfigOrigin *origin) {
        static const char *const names[] = { "CONTAINER_HOST", "DOCKER_HOST", "DOCKER_SOCK" };

        if (origin->layer == CONFIG_FILE)
                return !str_is_empty(getenv("CONTAINER_CONNECTION")); /* variables count more than files */
        FOREACH_ROW(name, names)
                if (origin->layer == CONFIG_VARIABLE && str_equal(origin->name, *name))
                        return true;
        return false;
}

const char *config_engine_url(const Config *config) {
        return is_judged_by_engine(config_origin(config, "engine.url")) ? NULL : config->engine.url;
}

static int export(const char *name, const char *value) {
        return (value ? setenv(name, value, 1) : unsetenv(name)) < 0 ? -errno : 0;
}

int config_export(const Config *config) {
        const char *verify = config->engine.tls_verify == POLICY_UNSET ? NULL
                             : config->engine.tls_verify == POLICY_YES ? "1"
                                                                       : "0";
        int r = export("DOCKER_CERT_PATH", config->engine.cert_directory);

        if (r >= 0)
                r = export("DOCKER_TLS_VERIFY", verify);
        if (r >= 0)
                r = export("DOCKER_API_VERSION", config->engine.api_version);
        return r >= 0 ? export("REGISTRY_AUTH_FILE", config->auth_file) : r;
}
