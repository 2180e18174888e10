/* The place in the stream is looked up for each read: pieces are few, and reads are large. */
#include "api/stream.h"

ssize_t
api_stream_read(struct api_stream *stream, void *p, size_t n)
{
    uint64_t skip = stream->done;

    LIST_EACH(&stream->pieces, piece) {
        if (skip >= piece->bytes) {
            skip -= piece->bytes;
            continue;
        }
        n = (size_t)MIN((uint64_t)n, piece->bytes - skip);
        int r = stream->blobs->driver->read(stream->blobs, piece->blob, piece->offset + skip, p, n);

        if (r < 0)
            return r;
        stream->done += n;
        return (ssize_t)n;
    }
    assert(stream->done == stream->bytes);
    return 0;
}
