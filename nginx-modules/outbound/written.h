/*
 * written.h: is what somebody wrote fit for a request or a mail? Nothing that
 * passes here can end a line, and so become a header, or change a host. Pure C.
 */

#ifndef VG_WRITTEN_H
#define VG_WRITTEN_H

#include "vg_json.h"

/* printable ASCII from first on (' ' or '!'), at most so many bytes */
bool vg_written_plain(vg_str_t text, size_t most, char first);

/* the name of a header: letters, digits, - and _ */
bool vg_written_token(const char *name);

/* What follows the url of a target: nothing, or from a / or ? on. It must not
 * become part of the host (an "@", a dot) nor climb out of the path. */
bool vg_written_path(vg_str_t path, size_t most);

/* one address of mail, without a name: local@domain, ASCII */
bool vg_written_address(vg_str_t address);

/* what may stand before the @ of a Message-ID without quotes */
bool vg_written_key(vg_str_t key);

/* UTF-8 without control characters, at most 500 bytes */
bool vg_written_subject(vg_str_t subject);

/* A subject as a header has it: RFC 2047 where it is not plain. data NULL: no
 * memory. At most 998 bytes long, as a line may be. */
vg_str_t vg_written_encoded(vg_pool_t *pool, vg_str_t subject);

#endif /* VG_WRITTEN_H */
