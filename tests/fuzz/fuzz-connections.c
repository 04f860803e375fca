/* Podman's connections, from containers.conf and from podman-connections.json: each has a name, none stands twice. */

#include "fuzz.h"

#include "base/str.h"
#include "engine/find-config.h"

static void check(const Connections *connections) {
        for (size_t i = 0; i < connections->n_connections; i++) {
                require(connections->connections[i].name);
                for (size_t k = 0; k < i; k++)
                        require(!str_equal(connections->connections[i].name, connections->connections[k].name));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(connections_done) Connections toml = { 0 }, json = { 0 };
        _cleanup_free_ char *text = fuzz_text(data, size);

        if (size > 16U * 1024)
                return 0;
        (void) connections_read_toml(text, &toml, NULL);
        check(&toml);
        (void) connections_read_json(text, size, &json, NULL);
        check(&json);
        return 0;
}
