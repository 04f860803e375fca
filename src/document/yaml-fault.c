/* libyaml's complaints, said so that the author of the file knows what to change. */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "document/yaml-internal.h"

#define ANCHORS_COMPARED_MAX 1000 /* above that no look-alike of an unknown alias is searched */
#define INDENT_HINT "check the indentation and the quotes, here and in the lines above"

typedef enum FaultFlags {
        AT_CONTEXT = 1 << 0,   /* the mark is where the broken construct begins, not where that was noticed */
        TELL_CONTEXT = 1 << 1, /* the message goes on with "that begins in line N" */
        MAYBE_ABOVE = 1 << 2,  /* the line above may lack its ':' */
} FaultFlags;

/* The first row whose texts are part of what libyaml says counts. */
typedef struct Fault {
        const char *problem, *context; /* NULL: any */
        char character;                /* what stands at the place; 0: any */
        FaultFlags flags;
        const char *message, *hint;
} Fault;

/* clang-format off */
static const Fault faults[] = {
        { "cannot start any token", NULL, '\t', 0,
          "a tab cannot be used to indent", "use spaces" },
        { "found a tab character", NULL, 0, 0,
          "a tab cannot be used to indent", "use spaces" },
        { "cannot start any token", NULL, 0, 0,
          "a value cannot begin with this character", "put the value in quotes" },
        { "did not find expected key", NULL, 0, TELL_CONTEXT,
          "this does not fit into the map", INDENT_HINT },
        { "did not find expected '-' indicator", NULL, 0, TELL_CONTEXT,
          "this does not fit into the list", INDENT_HINT },
        { "mapping values are not allowed", NULL, 0, MAYBE_ABOVE,
          "a ':' that makes a key is not allowed here",
          "put a value that holds ': ' in quotes; otherwise check the indentation" },
        { "mapping keys are not allowed", NULL, 0, 0,
          "a '?' that makes a key is not allowed here", "put a value that begins with '? ' in quotes" },
        { "block sequence entries are not allowed", NULL, 0, 0,
          "a list item '-' is not allowed here", "begin the list in a line of its own, or put the value in quotes" },
        { "could not find expected ':'", "simple key", 0, AT_CONTEXT,
          "a ':' is missing behind this key", "text of several lines needs '|', '>' or quotes" },
        { "unexpected end of stream", "quoted scalar", 0, AT_CONTEXT,
          "the quote that opens here is never closed", NULL },
        { "unexpected document indicator", "quoted scalar", 0, AT_CONTEXT,
          "the quote that opens here is never closed", NULL },
        { "unknown escape character", NULL, 0, 0,
          "this escape is not known in double quotes", "in single quotes a backslash is a backslash" },
        { "expected ',' or ']'", NULL, 0, TELL_CONTEXT,
          "a ',' or ']' is missing in the list", NULL },
        { "expected ',' or '}'", NULL, 0, TELL_CONTEXT,
          "a ',' or '}' is missing in the map", NULL },
        { "expected alphabetic or numeric", "alias", 0, AT_CONTEXT,
          "the name of an anchor is missing behind '*'", "put a value that begins with '*' in quotes" },
        { "expected alphabetic or numeric", "anchor", 0, AT_CONTEXT,
          "a name is missing behind '&'", "put a value that begins with '&' in quotes" },
        { "expected <document start>", NULL, 0, 0,
          "something follows behind the end of the value", INDENT_HINT },
        { "expected node content", NULL, 0, 0,
          "a value is missing here", NULL },
        { "undefined tag handle", NULL, 0, 0,
          "the handle of this tag is not declared", "put a value that begins with '!' in quotes" },
        { "expected comment or line break", "block scalar", 0, 0,
          "only a comment may follow '|' or '>' in this line", "begin the text in the next line" },
};
/* clang-format on */

Mark yaml_mark(const Source *source, const yaml_mark_t *start, const yaml_mark_t *end) {
        Mark mark = { .line = (uint32_t) start->line + 1, .column = (uint32_t) start->column + 1 };

        if (start->line >= source->n_lines) /* libyaml ends a last line that has no end */
                return source_mark_at(source, source->n_text);
        if (end->line == start->line && end->column > start->column)
                mark.n_columns = (uint32_t) (end->column - start->column);
        return mark;
}

static bool is_part(const char *text, const char *part) {
        return !part || (text && strstr(text, part));
}

/* What stands at a place; 0 at the end of the line. */
static char character_at(const Source *source, const Mark *mark) {
        size_t n, i = 0;
        const char *line = source_line(source, mark->line, &n);

        for (uint32_t column = 1; column < mark->column && i < n; column++)
                i += utf8_length(line + i, n - i);
        return i < n ? line[i] : '\0';
}

/* The last thing that is written in the file. */
static Mark last_mark(const Source *source) {
        for (uint32_t line = (uint32_t) source->n_lines; line > 0; line--) {
                size_t n;
                const char *text = source_line(source, line, &n);

                while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
                        n--;
                if (n > 0)
                        return (Mark) { line, (uint32_t) utf8_columns(text, n), 1 };
        }
        return (Mark) { 1, 1, 0 };
}

/*
 * "image alpine" and then "commands: x" in the next line are one plain text for YAML, up to the ':'. Returns the line
 * before that has no ':' though it begins where the faulty one does; 0 if there is none.
 */
static uint32_t line_without_colon(const Source *source, uint32_t line) {
        size_t n_faulty, n, indent = 0, n_indent = 0;
        const char *faulty = source_line(source, line, &n_faulty), *text;

        if (line < 2)
                return 0;
        text = source_line(source, line - 1, &n);
        while (indent < n_faulty && faulty[indent] == ' ')
                indent++;
        while (n_indent < n && text[n_indent] == ' ')
                n_indent++;
        if (indent != n_indent || n == n_indent || text[n_indent] == '#')
                return 0;
        for (size_t i = n_indent; i < n; i++)
                if (text[i] == ':' && (i + 1 == n || text[i + 1] == ' '))
                        return 0;
        return line - 1;
}

static const Fault *find_fault(const yaml_parser_t *parser, char character) {
        FOREACH_ROW(fault, faults)
                if (is_part(parser->problem, fault->problem) && is_part(parser->context, fault->context) &&
                    (!fault->character || fault->character == character))
                        return fault;
        return NULL;
}

static void fault_scanner(const YamlBuilder *b, const yaml_parser_t *parser) {
        Mark problem = yaml_mark(b->source, &parser->problem_mark, &parser->problem_mark), mark = problem;
        char character = character_at(b->source, &problem);
        bool is_end = !character && problem.line >= b->source->n_lines;
        const Fault *fault = find_fault(parser, character);
        FaultFlags flags = fault ? fault->flags : 0;
        Mark context = { 0 };
        Diag *diag;

        if (parser->context && parser->context_mark.index < parser->problem_mark.index)
                context = yaml_mark(b->source, &parser->context_mark, &parser->context_mark);
        /* A file that ends too early has nothing to show at its end: where the open construct begins tells more. */
        if (context.line > 0 && (flags & AT_CONTEXT || is_end))
                mark = context;
        else if (is_end)
                mark = last_mark(b->source);
        if (!fault)
                diag = diag_add(b->diags, DIAG_ERROR, "syntax", mark, "%s%s%s", parser->problem,
                                parser->context ? " " : "", parser->context ? parser->context : "");
        else if (flags & TELL_CONTEXT && context.line > 0)
                diag = diag_add(b->diags, DIAG_ERROR, "syntax", mark, "%s that begins in line %u", fault->message,
                                context.line);
        else
                diag = diag_add(b->diags, DIAG_ERROR, "syntax", mark, "%s", fault->message);
        if (flags & MAYBE_ABOVE && line_without_colon(b->source, mark.line) > 0)
                diag_set_hint(diag, "is a ': ' missing in line %u?", mark.line - 1);
        else if (fault && fault->hint)
                diag_set_hint(diag, "%s", fault->hint);
}

/* The reader runs ahead of the scanner and knows only bytes. */
static void fault_reader(const YamlBuilder *b, const yaml_parser_t *parser) {
        Mark mark = source_mark_at(b->source, parser->problem_offset);

        (void) diag_add(b->diags, DIAG_ERROR, "syntax", mark, "the character U+%04X is not allowed in YAML",
                        (unsigned) MAX(parser->problem_value, 0));
}

int yaml_fault_syntax(const YamlBuilder *b, const yaml_parser_t *parser) {
        switch (parser->error) {
        case YAML_MEMORY_ERROR:
                return -ENOMEM;
        case YAML_READER_ERROR:
                fault_reader(b, parser);
                return -EBADMSG;
        default:
                fault_scanner(b, parser);
                return -EBADMSG;
        }
}

void yaml_fault_alias(const YamlBuilder *b, const char *name, Mark mark) {
        _cleanup_free_ char *shown = str_escape(name, strlen(name), YAML_KEY_SHOWN_MAX);
        const char *near = NULL;
        Diag *diag;

        if (b->anchors.n_entries <= ANCHORS_COMPARED_MAX)
                MAP_FOREACH(entry, &b->anchors) {
                        const char *names[] = { near, entry->key };

                        near = near ? diag_suggest(name, names, 2) : diag_suggest(name, &names[1], 1);
                }
        diag = diag_add(b->diags, DIAG_ERROR, "unknown-alias", mark, "alias '*%s' has no anchor '&%s' above it",
                        shown ? shown : "", shown ? shown : "");
        if (near)
                diag_set_hint(diag, "did you mean '*%s'?", near);
        else
                diag_set_hint(diag, "put a value that begins with '*' in quotes");
}
