/*
 * 'matches': regular expressions as RE2 has them, by PCRE2, with limits. What RE2 refuses since it cannot be matched in
 * linear time is refused here too: a file shall not work here and fail on the server.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/expression-internal.h"
#include "pipeline/libpcre2.h"

#define PATTERN_BYTES_MAX 4096
#define NEST_MAX 50
#define MATCH_LIMIT 100000 /* steps of the matcher; one match counts as so much work */
#define HEAP_LIMIT_KIB 1024

static bool refuse(Expression *e, const Node *node, const char *what) {
        return expression_fail(e, node->offset, node->n, NULL,
                               "the regular expression has %s, which Woodpecker's (RE2) have not", what);
}

/* Behind a backslash. */
static const char *escape_fault(char c) {
        if (isdigit((unsigned char) c) && c != '0')
                return "a reference back to a group";
        return strchr("kg", c) && c          ? "a reference back to a group"
               : strchr("GKRXZhHNe", c) && c ? "an unknown escape"
                                             : NULL;
}

/* Behind "(". */
static const char *group_fault(const char *rest) {
        if (rest[0] == '*')
                return "a verb '(*'";
        if (rest[0] != '?')
                return NULL;
        if (rest[1] == '=' || rest[1] == '!' || (rest[1] == '<' && (rest[2] == '=' || rest[2] == '!')))
                return "a look ahead or behind";
        if (rest[1] == 'P' && rest[2] != '<')
                return "a reference to a group";
        return rest[1] && strchr(":<Pimsu-U", rest[1]) ? NULL : "a group of a kind";
}

static const char *pattern_fault(const char *pattern) {
        bool is_set = false;
        const char *fault = NULL;

        for (const char *c = pattern; *c && !fault; c++) {
                if (*c == '\\' && c[1] == 'Q')
                        c = strstr(c, "\\E") ? strstr(c, "\\E") + 1 : c + strlen(c) - 1;
                else if (*c == '\\' && c[1])
                        fault = is_set ? NULL : escape_fault(*++c), c += is_set;
                else if (*c == '[' && !is_set)
                        is_set = true, c += (c[1] == '^') + (c[1 + (c[1] == '^')] == ']');
                else if (*c == '[' && c[1] == ':' && strstr(c, ":]"))
                        c = strstr(c, ":]") + 1;
                else if (*c == ']')
                        is_set = false;
                else if (*c == '(' && !is_set)
                        fault = group_fault(c + 1);
                else if (!is_set && strchr("*+?}", *c) && c[1] == '+')
                        fault = "a possessive repetition";
        }
        return fault;
}

static bool load(Expression *e, const Node *node, const Libpcre2 **ret) {
        _cleanup_(error_freep) Error *error = NULL;
        int r = libpcre2_get(ret, &error);

        return r == 0 || expression_fail(e, node->offset, node->n, NULL, "%s", error_message(error, r));
}

static bool compile(Expression *e, const Libpcre2 *pcre2, const Node *node, const Value *pattern, pcre2_code **ret) {
        pcre2_compile_context *context;
        char message[128];
        PCRE2_SIZE offset;
        const char *fault;
        int error;

        if (pattern->n > PATTERN_BYTES_MAX)
                return expression_fail(e, node->offset, node->n, NULL, "the regular expression has more than %d bytes",
                                       PATTERN_BYTES_MAX);
        fault = pattern_fault(pattern->text);
        if (fault)
                return refuse(e, node, fault);
        context = pcre2->compile_context_create(NULL);
        if (!context)
                return expression_oom(e);
        (void) pcre2->set_parens_nest_limit(context, NEST_MAX);
        *ret = pcre2->compile((PCRE2_SPTR) pattern->text, pattern->n,
                             PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                             &error, &offset, context);
        pcre2->compile_context_free(context);
        if (*ret)
                return true;
        if (error == PCRE2_ERROR_HEAP_FAILED)
                return expression_oom(e);
        if (pcre2->get_error_message(error, (PCRE2_UCHAR *) message, sizeof(message)) < 0)
                message[0] = '\0';
        return expression_fail(e, node->offset, node->n, NULL, "the regular expression is wrong: %s (at its byte %zu)",
                               message, (size_t) offset);
}

bool expression_check_pattern(Expression *e, const Node *node, const Value *pattern) {
        const Libpcre2 *pcre2;
        pcre2_code *code;

        if (!expression_spend(e, node, pattern->n + 1) || !load(e, node, &pcre2) ||
            !compile(e, pcre2, node, pattern, &code))
                return false;
        pcre2->code_free(code);
        return true;
}

static int match(const Libpcre2 *pcre2, const pcre2_code *code, const Value *text) {
        pcre2_match_context *context = pcre2->match_context_create(NULL);
        pcre2_match_data *match_data = pcre2->match_data_create(1, NULL);
        int r = PCRE2_ERROR_NOMEMORY;

        if (context && match_data) {
                (void) pcre2->set_match_limit(context, MATCH_LIMIT);
                (void) pcre2->set_heap_limit(context, HEAP_LIMIT_KIB);
                r = pcre2->match(code, (PCRE2_SPTR) text->text, text->n, 0, 0, match_data, context);
        }
        pcre2->match_data_free(match_data);
        pcre2->match_context_free(context);
        return r;
}

bool expression_match(Expression *e, const Node *node, const Value *text, const Value *pattern, bool *ret) {
        const Libpcre2 *pcre2;
        pcre2_code *code;
        int r;

        if (!expression_spend(e, node, MATCH_LIMIT) || !load(e, node, &pcre2) ||
            !compile(e, pcre2, node->children[1], pattern, &code))
                return false;
        r = match(pcre2, code, text);
        pcre2->code_free(code);
        *ret = r >= 0;
        if (r >= 0 || r == PCRE2_ERROR_NOMATCH)
                return true;
        if (r == PCRE2_ERROR_NOMEMORY)
                return expression_oom(e);
        return expression_fail(e, node->offset, node->n, "repetitions within repetitions take long: '(a+)+'",
                               "the regular expression is too much work");
}
