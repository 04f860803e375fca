#pragma once

/* Names of images: "golang" is "docker.io/library/golang:latest". */

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
