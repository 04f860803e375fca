#pragma once

/* Names of images: "golang" is "docker.io/library/golang:latest". */

#include <stdbool.h>

#include "base/error.h"

#define IMAGE_REFERENCE_BYTES_MAX 255

/**
 * image_reference_qualify() - the whole reference, as Docker would complete a short one
 * @reterr:   what is wrong, without the reference itself
 * @ret_hint: with an Error: what could have been meant; heap, may be NULL
 *
 * A tag beside a digest is dropped: the digest decides. Source: distribution/reference, "reference.go" and
 * "normalize.go".
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int image_reference_qualify(const char *image, char **ret, char **ret_hint, Error **reterr);

/**
 * image_reference_qualify_in() - the same with another registry for short names: "golang" in
 * "r.example.com:5000/mirror"
 * is "r.example.com:5000/mirror/golang:latest"
 * @registry: may have a path; NULL: Docker's
 *
 * A short name is one whose first part is no host: see image_reference_is_short(). What a machine's registries.conf
 * says
 * of short names never counts: the same file means the same image everywhere.
 */
int image_reference_qualify_in(const char *registry, const char *image, char **ret, char **ret_hint, Error **reterr);
/** image_reference_is_short() - whether it names no registry */
bool image_reference_is_short(const char *image);
/** image_reference_repository() - a qualified reference without tag and digest; heap, NULL if memory is out */
char *image_reference_repository(const char *reference);
