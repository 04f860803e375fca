#pragma once

/*
 * "${NAME}" in the raw text of a file, before it is parsed: comments and commands included. The language is that of
 * drone/envsubst v1.0.3, which Woodpecker uses, with its quirks: "\\" and "\/" lose a backslash everywhere, "$$" is
 * "$", and all of
 * "=", ":=", ":-", ":?" and ":+" give a default. What it reads across lines, or panics on, is an error here.
 */

#include "base/map.h"
#include "document/diag.h"

#define SUBSTITUTE_DEPTH_MAX 16            /* "${a:-${b:-...}}" */
#define SUBSTITUTE_WORK_MAX 200000000U     /* characters compared, of all in a file */
#define SUBSTITUTE_VALUE_BYTES_MAX (256U * 1024)

/* Where a run of the result comes from. */
typedef struct SubstitutedPiece {
        size_t from, to; /* offsets in the file and in the result */
} SubstitutedPiece;

typedef struct Substituted {
        Source *source; /* the result, under the file's name; NULL: nothing was to be done */
        SubstitutedPiece *pieces;
        size_t n_pieces;
} Substituted;

/** substitute_has_work() - whether there is anything to substitute, or a backslash that substitution takes */
bool substitute_has_work(const Source *source);

/**
 * substitute() - all of a file
 * @values: what the variables are; may be NULL. What is not there is empty, with a warning unless it is a CI_ variable.
 *
 * Return: 0; -EBADMSG, with the faults in @diags; -ENOMEM.
 */
int substitute(const Source *source, const Map *values, DiagList *diags, Substituted *ret);
void substituted_done(Substituted *substituted);

/** substituted_map_marks() - moves places in the result to where they come from in the file: 0 or -ENOMEM */
int substituted_map_marks(const Substituted *substituted, const Source *source, Mark **marks, size_t n_marks);

/**
 * substituted_culprit() - what was replaced in the line of a place in the result, so that YAML cannot read it
 *
 * Return: the text of the file, "${NAME}" or "\\\\", on the heap; NULL: nothing was, or memory is out
 */
char *substituted_culprit(const Substituted *substituted, const Source *source, const Mark *mark);
