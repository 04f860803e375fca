#include "job/mask-forms.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/base64.h"
#include "base/str.h"
#include "job/mask.h"

#define FORM_BYTES_MAX (8U * MASK_SECRETS_BYTES_MAX)

/* Frees and wipes: a form is as secret as the secret. */
static void form_freep(char **form) {
        if (*form)
                explicit_bzero(*form, strlen(*form));
        free(*form);
}
#define _cleanup_form_ _cleanup_(form_freep)

static void form_str_done(Str *form) {
        if (form->bytes)
                explicit_bzero(form->bytes, form->n);
        str_done(form);
}
#define _cleanup_form_str_ _cleanup_(form_str_done)

/* One text to look for. Newlines are left out, as they are when it is looked for. */
static int add_text(MaskForms *forms, const char *text, size_t n) {
        _cleanup_form_ char *copy = malloc(n + 1);
        size_t out = 0;

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (text[i] != '\n' && text[i] != '\r')
                        copy[out++] = text[i];
        copy[out] = '\0';
        if (out < MASK_SECRET_BYTES_MIN)
                return 0;
        if (ARRAY_APPEND(forms->texts, forms->n_texts, copy) < 0)
                return -ENOMEM;
        copy = NULL;
        forms->n_bytes += out;
        return 0;
}

static int add_str(MaskForms *forms, const Str *text) {
        return text->error ? -ENOMEM : add_text(forms, str_get(text), text->n);
}

/*
 * The secret behind n_before bytes that are not known, and before others. A character of base64 holds six bits: those
 * that also hold bits of a neighbour cannot be foretold and are left out.
 */
static int add_base64_inner(MaskForms *forms, const char *secret, size_t n, size_t n_before, Base64Alphabet alphabet) {
        _cleanup_form_str_ Str bytes = STR_INIT(FORM_BYTES_MAX);
        _cleanup_form_ char *text = NULL;
        size_t from, to;

        (void) str_append_n(&bytes, "\0\0", n_before);
        if (str_append_n(&bytes, secret, n) < 0)
                return -ENOMEM;
        text = base64_encode(bytes.bytes, bytes.n, alphabet);
        if (!text)
                return -ENOMEM;
        from = (n_before * 8 + 5) / 6;
        to = bytes.n * 8 / 6;
        return to < from + MASK_BASE64_CHARACTERS_MIN ? 0 : add_text(forms, text + from, to - from);
}

static int add_base64(MaskForms *forms, const char *secret, size_t n) {
        static const Base64Alphabet alphabets[] = { BASE64_STANDARD, BASE64_URL };
        int r = 0;

        FOREACH_ROW(alphabet, alphabets) {
                _cleanup_form_ char *whole = base64_encode(secret, n, *alphabet);

                /* The secret alone: here the end is known too, with or without padding. */
                r = whole ? add_text(forms, whole, strlen(whole)) : -ENOMEM;
                if (r >= 0 && n % 3 != 0)
                        r = add_text(forms, whole, (n * 8 + 5) / 6);
                for (size_t n_before = 0; r >= 0 && n_before < 3; n_before++)
                        r = add_base64_inner(forms, secret, n, n_before, *alphabet);
                if (r < 0)
                        return r;
        }
        return 0;
}

typedef struct PercentStyle {
        const char *kept; /* besides letters and digits */
        char hex;     /* 'X' or 'x' */
        bool is_plus; /* for a space */
} PercentStyle;

static int add_percent(MaskForms *forms, const char *secret, size_t n, const PercentStyle *style) {
        _cleanup_form_str_ Str text = STR_INIT(FORM_BYTES_MAX);

        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char) secret[i];

                if (c < 0x80 && (isalnum(c) || strchr(style->kept, c)))
                        (void) str_append_char(&text, (char) c);
                else if (c == ' ' && style->is_plus)
                        (void) str_append_char(&text, '+');
                else
                        (void) str_appendf(&text, style->hex == 'X' ? "%%%02X" : "%%%02x", c);
        }
        return add_str(forms, &text);
}

static int add_percents(MaskForms *forms, const char *secret, size_t n) {
        static const PercentStyle styles[] = {
                { "-_.!~*'()", 'X', false }, { "-_.!~*'()", 'x', false }, /* encodeURIComponent() */
                { "-_.!~*'()", 'X', true },  { "-_.!~*'()", 'x', true },
                { "-_.~", 'X', false },      { "-_.~", 'x', false }, /* RFC 3986: curl, Go, Python with safe='' */
                { "-_.~", 'X', true },       { "-_.~", 'x', true },
                { "-_.~/", 'X', false },     { "-_.~/", 'x', false }, /* Python's quote() */
                { "-_.*", 'X', true },       { "-_.*", 'x', true },   /* HTML forms */
        };

        FOREACH_ROW(style, styles) {
                int r = add_percent(forms, secret, n, style);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Inside single quotes a shell cannot escape; there are two customs to get around it (bash -x, busybox and Python). */
static int add_quoted(MaskForms *forms, const char *secret, size_t n) {
        static const char *const customs[] = { "'\\''", "'\"'\"'" };

        FOREACH_ROW(custom, customs) {
                _cleanup_form_str_ Str text = STR_INIT(FORM_BYTES_MAX);
                int r;

                for (size_t i = 0; i < n; i++)
                        (void) (secret[i] == '\'' ? str_append(&text, *custom) : str_append_char(&text, secret[i]));
                r = add_str(forms, &text);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_json(MaskForms *forms, const char *secret, size_t n, bool is_slash_escaped, bool is_html_escaped) {
        static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
        _cleanup_form_str_ Str text = STR_INIT(FORM_BYTES_MAX);

        for (size_t i = 0; i < n; i++) {
                char c = secret[i];
                const char *found = strchr(plain, c);

                if (found)
                        (void) str_appendf(&text, "\\%c", letters[found - plain]);
                else if (c == '/' && is_slash_escaped)
                        (void) str_append(&text, "\\/");
                else if (((unsigned char) c < 0x20) || (is_html_escaped && strchr("<>&", c)))
                        (void) str_appendf(&text, "\\u%04x", (unsigned char) c);
                else
                        (void) str_append_char(&text, c);
        }
        return add_str(forms, &text);
}

static int add_all(MaskForms *forms, const char *secret, size_t n) {
        int r;

        r = add_text(forms, secret, n);
        if (r >= 0)
                r = add_base64(forms, secret, n);
        if (r < 0 || n > MASK_FORMS_BYTES_MAX)
                return r;
        r = add_percents(forms, secret, n);
        if (r >= 0)
                r = add_quoted(forms, secret, n);
        if (r >= 0)
                r = add_json(forms, secret, n, false, false);
        if (r >= 0)
                r = add_json(forms, secret, n, true, false); /* PHP, json-c */
        if (r >= 0)
                r = add_json(forms, secret, n, false, true); /* Go */
        return r;
}

static void trim(const char **text, size_t *n) {
        while (*n > 0 && isspace((unsigned char) (*text)[*n - 1]))
                (*n)--;
        while (*n > 0 && isspace((unsigned char) **text))
                (*text)++, (*n)--;
}

int mask_forms_add(MaskForms *forms, const char *secret) {
        size_t n = strlen(secret);
        const char *end;
        bool has_lines;
        int r;

        trim(&secret, &n);
        if (n < MASK_SECRET_BYTES_MIN)
                return 0;
        end = secret + n;
        has_lines = memchr(secret, '\n', n);
        r = add_all(forms, secret, n);
        /* A secret of several lines is often shown in part. */
        for (const char *line = secret, *next; r >= 0 && has_lines && line < end; line = next) {
                const char *newline = memchr(line, '\n', (size_t) (end - line)), *text = line;
                size_t n_text = (size_t) ((newline ? newline : end) - line);

                next = newline ? newline + 1 : end;
                trim(&text, &n_text);
                if (n_text >= MASK_SECRET_BYTES_MIN)
                        r = n > MASK_FORMS_BYTES_MAX ? add_text(forms, text, n_text) : add_all(forms, text, n_text);
        }
        return r;
}

void mask_forms_done(MaskForms *forms) {
        for (size_t i = 0; i < forms->n_texts; i++)
                form_freep(&forms->texts[i]);
        free(forms->texts);
        *forms = (MaskForms) { 0 };
}
