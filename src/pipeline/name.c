#include "pipeline/name.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

#define HOST_NAME_BYTES_MAX 253

const char *step_name_fault(const char *name, size_t n) {
        if (n == 0)
                return "it is empty";
        if (n > PLAN_NAME_BYTES_MAX)
                return "it is longer than 128 bytes";
        if (!utf8_is_valid(name, n))
                return "it is not UTF-8";
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char) name[i];

                /* C1 controls (U+0080 to U+009F) move a terminal's cursor as well. */
                if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < n && (unsigned char) name[i + 1] < 0xa0))
                        return "it holds a control character";
        }
        if (name[0] == ' ' || name[n - 1] == ' ')
                return "it begins or ends with a space";
        return NULL;
}

static size_t trim(char *alias, size_t n) {
        while (n > 0 && alias[n - 1] == '-')
                n--;
        alias[n] = '\0';
        return n;
}

int step_name_to_alias(const char *name, char **ret) {
        _cleanup_free_ char *alias = malloc(ALIAS_BYTES_MAX + 1);
        size_t n = 0;

        if (!alias)
                return -ENOMEM;
        for (const char *c = name; *c && n < ALIAS_BYTES_MAX; c++) {
                char lower = (char) tolower((unsigned char) *c);

                if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9'))
                        alias[n++] = lower;
                else if (n > 0)
                        alias[n++] = '-';
        }
        *ret = trim(alias, n) > 0 ? TAKE_PTR(alias) : NULL;
        return 0;
}

bool step_host_name_is_valid(const char *name) {
        if (strlen(name) > HOST_NAME_BYTES_MAX || !(isalnum((unsigned char) name[0]) || name[0] == '_'))
                return false;
        for (const char *c = name; *c; c++)
                if (!isalnum((unsigned char) *c) && !strchr("_.-", *c))
                        return false;
        return true;
}

/* The alias, or with "-2", "-3", ... behind it the first that nobody has. */
static int make_unique(const Map *taken, const char *alias, char **ret) {
        for (unsigned k = 2;; k++) {
                _cleanup_free_ char *base = strdup(alias), *unique = NULL;
                char suffix[16];
                int n = snprintf(suffix, sizeof(suffix), "-%u", k);

                if (!base)
                        return -ENOMEM;
                (void) trim(base, MIN(strlen(base), (size_t) (ALIAS_BYTES_MAX - n)));
                unique = str_printf("%s%s", base, suffix);
                if (!unique)
                        return -ENOMEM;
                if (!map_has(taken, unique)) {
                        *ret = TAKE_PTR(unique);
                        return 0;
                }
        }
}

static const char *step_noun(const PlanStep *step) {
        return step->kind == STEP_SERVICE ? "service" : "step";
}

static int assign(PlanStep *step, Map *taken, DiagList *diags) {
        _cleanup_free_ char *alias = NULL, *unique = NULL;
        const PlanStep *other;
        int r;

        r = step_name_to_alias(step->name, &alias);
        if (r < 0 || !alias)
                return r;
        other = map_get(taken, alias);
        if (other) {
                r = make_unique(taken, alias, &unique);
                if (r < 0)
                        return r;
                diag_add(diags, DIAG_WARNING, "alias", step->mark,
                         "%s '%s' and %s '%s' would both be reached as '%s'; the latter is reached as '%s'",
                         step_noun(other), other->name, step_noun(step), step->name, alias, unique);
                free(alias);
                alias = TAKE_PTR(unique);
        } else if (step_host_name_is_valid(step->name) && strcmp(step->name, alias) != 0) {
                r = strv_append(&step->host_names, step->name);
                if (r < 0)
                        return r;
        }
        r = map_put_take(taken, alias, step);
        if (r < 0)
                return r;
        step->alias = TAKE_PTR(alias);
        return 0;
}

int step_names_assign(Plan *plan, DiagList *diags) {
        _cleanup_map_ Map taken = MAP_INIT(NULL); /* alias to the step that has it; borrowed */
        int r = 0;

        for (size_t i = 0; i < plan->n_steps && r == 0; i++)
                r = assign(plan->steps[i], &taken, diags);
        return r;
}
