/*
 * CBOR (RFC 8949) as rpc-v2-cbor has it: the writer.  The reader is doc_cbor of codec/doc.h.
 *
 * Containers are written without a count and closed by cbor_close(); a map's names are texts.
 */
#pragma once

#include "base/buf.h"

void cbor_open_map(struct buf *b);
void cbor_open_list(struct buf *b);
void cbor_close(struct buf *b);
void cbor_text(struct buf *b, struct str s);
void cbor_bytes(struct buf *b, struct str s);
void cbor_int(struct buf *b, int64_t v);
/* In the fewest bytes that lose nothing. */
void cbor_float(struct buf *b, double v);
void cbor_bool(struct buf *b, bool v);
void cbor_null(struct buf *b);
/* Of the value that is written next. */
void cbor_tag(struct buf *b, uint64_t tag);
