/* Uploads in parts. */
#include "s3/s3.h"

int
s3_upload_drop(struct txn *txn, const struct s3_upload_row *upload)
{
    int r = 0;

    STORE_EACH(txn, s3_part_of_upload, part, upload->id) {
        if (r >= 0)
            r = s3_pieces_release(txn, &part->pieces);
        if (r >= 0)
            r = s3_part_delete(txn, part->id);
    }
    return r < 0 ? r : s3_upload_delete(txn, upload->id);
}
