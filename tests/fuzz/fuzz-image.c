/*
 * The first line is a pattern of allowed images, the rest the name of one. A pattern means the same as its own
 * alternative, a broken one allows nothing, more patterns allow more; and a name that is completed stays as it is.
 */

#include <errno.h>

#include "base/str.h"
#include "base/strv.h"
#include "fuzz.h"
#include "pipeline/glob.h"
#include "pipeline/image-reference.h"
#include "pipeline/policy.h"

#define WORK_MAX 1000000

static int match(const char *pattern, const char *text) {
        size_t work = WORK_MAX;
        int r = glob_match(pattern, text, &work);

        require(r == 0 || r == 1 || r == -E2BIG);
        require(work <= WORK_MAX);
        return r;
}

static void check_pattern(const char *pattern, const char *text) {
        _cleanup_free_ char *twice = str_printf("{%s,%s}", pattern, pattern), *or_any = str_printf("{%s,**}", pattern);
        int r = match(pattern, text);

        require(twice && or_any);
        require(!glob_fault(pattern) || r == 0);
        if (!pattern[strcspn(pattern, "*?[]{}\\,")])
                require(r == str_equal(pattern, text));
        if (r < 0 || glob_fault(pattern))
                return;
        if (!glob_fault(twice) && match(twice, text) >= 0 && !strchr(pattern, ',') && !strpbrk(pattern, "{}"))
                require(match(twice, text) == r);
        if (!glob_fault(or_any) && match(or_any, text) >= 0 && !strpbrk(pattern, ",{}"))
                require(match(or_any, text) == 1);
}

/* What one pattern allows, it allows beside others; what no pattern allows is not. */
static void check_policy(char *pattern, const char *text) {
        char *one[] = { pattern, NULL }, *more[] = { (char *) "never/this", pattern, NULL };
        Policy alone = { .images = { .allowed = one, .allowed_services = more } };
        int allows = policy_allows_image(&alone, text, false), r = match(pattern, text);

        require(allows == 0 || allows == 1);
        require(allows == MAX(r, 0));
        if (!str_equal(text, "never/this") && r >= 0)
                require(policy_allows_image(&alone, text, true) == allows);
        alone.images.default_image = (char *) text;
        require(policy_allows_image(&alone, text, false) == 1);
}

static void check_reference(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *reference = NULL, *hint = NULL, *again = NULL, *repository = NULL;
        int r = image_reference_qualify(text, &reference, &hint, &error);

        require(r == 0 || r == -EINVAL);
        require((r < 0) == (error != NULL) && (r < 0) == !reference);
        if (r < 0)
                return;
        require(!hint && !image_reference_is_short(reference) && !strpbrk(reference, " \t\n"));
        if (strlen(reference) <= IMAGE_REFERENCE_BYTES_MAX) /* a name that is just short enough gets longer */
                require(image_reference_qualify(reference, &again, &hint, NULL) == 0 && str_equal(again, reference));
        repository = image_reference_repository(reference);
        require(repository && str_starts_with(reference, repository) && strchr(":@", reference[strlen(repository)]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        char *line = strchr(text, '\n');

        if (line)
                *line++ = '\0';
        check_pattern(text, line ? line : "");
        check_policy(text, line ? line : "");
        check_reference(line ? line : text);
        return 0;
}
