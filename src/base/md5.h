#pragma once

/* MD5 (RFC 1321): only for names that others make the same way; it protects nothing. */

#include <stddef.h>

#define MD5_HEX_LENGTH 32

/** md5_hex() - 32 hexadecimal digits and a NUL */
void md5_hex(const void *bytes, size_t n, char ret[static MD5_HEX_LENGTH + 1]);
