#include "pipeline/plan-ports.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "holder/holder.h"

#define SHOWN_SERVICES_MAX 5

const char *plan_find_port_variable(const PlanStep *service) {
        MAP_FOREACH(entry, &service->environment)
                if (strcasecmp(entry->key, PLAN_PORT_VARIABLE) == 0)
                        return entry->value;
        return NULL;
}

int plan_ports_fault(const Plan *plan, const size_t *counts, char **ret) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        size_t n_ports = 0, n_services = 0;

        for (size_t i = 0; i < plan->n_services; i++)
                n_ports += counts[i];
        if (n_ports <= HOLDER_TARGETS_MAX)
                return 0;
        (void) str_appendf(&text, "the services have %zu ports to wait for, and a job can wait for %d:", n_ports,
                           HOLDER_TARGETS_MAX);
        for (size_t i = 0; i < plan->n_services; i++) {
                if (counts[i] == 0)
                        continue;
                if (n_services < SHOWN_SERVICES_MAX)
                        (void) str_appendf(&text, "%s '%s' has %zu", n_services > 0 ? "," : "",
                                           plan->steps[i]->name, counts[i]);
                n_services++;
        }
        if (n_services > SHOWN_SERVICES_MAX)
                (void) str_appendf(&text, ", and there are %zu others", n_services - SHOWN_SERVICES_MAX);
        if (text.error)
                return -ENOMEM;
        *ret = str_take(&text);
        return *ret ? 1 : -ENOMEM;
}

static bool waits_for_ports(const PlanStep *service) {
        const PlanReady *ready = &service->ready;

        return !ready->log && !ready->command && !ready->port && !service->network_mode && service->alias &&
               !plan_find_port_variable(service);
}

/* Those of TCP, each once. */
static int count_ports(const PlanStep *service, size_t *ret) {
        _cleanup_free_ bool *is_seen = calloc(UINT16_MAX + 1, sizeof(bool));

        if (!is_seen)
                return -ENOMEM;
        for (size_t i = 0; i < service->n_ports; i++) {
                const PlanPort *port = &service->ports[i];

                if (strcmp(port->protocol, "tcp") != 0 || is_seen[port->number])
                        continue;
                is_seen[port->number] = true;
                ++*ret;
        }
        return 0;
}

int plan_check_ports(const Plan *plan, DiagList *diags) {
        _cleanup_free_ size_t *counts = calloc(plan->n_services + 1, sizeof(*counts));
        _cleanup_free_ char *fault = NULL;
        size_t largest = 0;
        int r = counts ? 0 : -ENOMEM;

        for (size_t i = 0; i < plan->n_services && r >= 0; i++) {
                const PlanStep *service = plan->steps[i];

                if (service->n_ports > 0 && waits_for_ports(service))
                        r = count_ports(service, &counts[i]);
                if (counts[i] > counts[largest])
                        largest = i;
        }
        if (r >= 0)
                r = plan_ports_fault(plan, counts, &fault);
        if (r > 0)
                diag_set_hint(diag_add(diags, DIAG_WARNING, "many-ports", plan->steps[largest]->mark,
                                       "%s", fault),
                              "where an image has a health check they do not count; else " PLAN_PORTS_HINT);
        return MIN(r, 0);
}
