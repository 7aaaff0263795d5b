/*
 * recorder.c: the records in a charge point's ring, written and read.
 *
 * A ring is a head and bytes. A record says its length at both ends, so it is
 * read backwards from the head, until what is found makes no sense: that is
 * where it was written over, or where somebody wrote nonsense. The head is
 * written now and then; what is behind it is found by reading forwards, where
 * a record that is not older and whose check holds is the next one. The check
 * is the identity's too, so that nobody reads another's messages in a ring
 * that was given on.
 */

#include "redact.h"
#include "ring.h"

#define VG_RECORDER_TEXT 2048 /* bytes of a message that are kept        */

typedef struct {
    uint32_t len;   /* of the text                                        */
    uint32_t size;  /* of the message, unredacted                         */
    uint32_t check; /* of the identity and the text                       */
    uint16_t kind;
    uint16_t cut;
    int64_t  at; /* us                                                    */
} vg_record_t;

static const char *const vg_record_names[VG_RECORDS] = { "in", "out", "opened",
                                                         "closed" };


static uint32_t
vg_record_check(vg_str_t identity, vg_str_t text)
{
    return ngx_murmur_hash2((u_char *) identity.data, identity.len)
           ^ ngx_murmur_hash2((u_char *) text.data, text.len);
}


/* what is behind the head, from a ring that was read whole */
static void
vg_ring_roll(vg_ring_t *head, const u_char *bytes)
{
    size_t        i, n, size = vg_ring_size(), rolled = 0;
    vg_str_t      identity = { head->identity, head->len };
    vg_record_t   record = { 0 };
    static u_char text[VG_RECORDER_TEXT];

    while (rolled < size) {
        for (i = 0; i < sizeof(record); i++) {
            ((u_char *) &record)[i] = bytes[(head->head + i) % size];
        }
        n = record.len;
        if (n > VG_RECORDER_TEXT || record.at < head->at) {
            return;
        }
        for (i = 0; i < n; i++) {
            text[i] = bytes[(head->head + sizeof(record) + i) % size];
        }
        if (record.check
            != vg_record_check(identity, (vg_str_t){ (char *) text, n })) {
            return;
        }
        n += sizeof(record) + sizeof(record.len);
        head->head += n;
        head->at = record.at;
        rolled += n;
    }
}


/* the identity's ring, all of it, its head where it is */
static vg_rc_t
vg_ring_load(uint64_t ring, vg_ring_t *head, u_char *bytes)
{
    if (vg_ring_bytes(ring, bytes) != VG_OK) {
        return VG_ERROR;
    }
    vg_ring_roll(head, bytes);
    return VG_OK;
}


static vg_rc_t
vg_recorder_find(vg_recorder_place_t *place, vg_str_t identity)
{
    vg_ring_t     head;
    static u_char bytes[VG_RECORDER_MOST];

    if (vg_ring_take(identity, &place->ring, &head) != VG_OK
        || vg_ring_load(place->ring, &head, bytes) != VG_OK)
    {
        return VG_ERROR;
    }
    place->head = head.head;
    place->saved = head.head;
    place->known = 1;
    return VG_OK;
}


/* the record in bytes, its text behind its head; its whole length */
static size_t
vg_recorder_fill(u_char *bytes, vg_str_t identity, vg_record_kind_t kind,
                 vg_str_t text)
{
    bool        cut = false;
    char       *kept = (char *) bytes + sizeof(vg_record_t);
    size_t      n = vg_redact(text, kept, VG_RECORDER_TEXT, &cut);
    vg_record_t record = { 0 };

    record.len = (uint32_t) n;
    record.size = (uint32_t) text.len;
    record.check = vg_record_check(identity, (vg_str_t){ kept, n });
    record.kind = kind;
    record.cut = cut;
    record.at = vg_time_now();
    ngx_memcpy(bytes, &record, sizeof(record));
    ngx_memcpy(kept + n, &record.len, sizeof(record.len));
    return sizeof(record) + n + sizeof(record.len);
}


static void
vg_recorder_save(vg_recorder_place_t *place, vg_str_t identity)
{
    vg_ring_t head = { .len = identity.len,
                       .head = place->head,
                       .at = vg_time_now() };

    ngx_memcpy(head.identity, identity.data, identity.len);
    if (vg_ring_write(place->ring, &head) == VG_OK) {
        place->saved = place->head;
    }
}


/* Another connection of it may have written before this one, and after. */
void
vg_recorder_note(vg_recorder_place_t *place, vg_str_t identity,
                 vg_record_kind_t kind, vg_str_t text)
{
    size_t n;
    static u_char
        bytes[sizeof(vg_record_t) + VG_RECORDER_TEXT + sizeof(uint32_t)];

    if (vg_ring_size() == 0 || identity.len > VG_IDENTITY_MAX) {
        return;
    }
    if ((!place->known || kind > VG_RECORD_OUT)
        && vg_recorder_find(place, identity) != VG_OK)
    {
        return;
    }
    n = vg_recorder_fill(bytes, identity, kind, text);
    if (!vg_ring_put(place->ring, place->head, bytes, n)) {
        return;
    }
    place->head += n;
    if (kind > VG_RECORD_OUT || place->head - place->saved > vg_ring_size() / 4)
    {
        vg_recorder_save(place, identity);
    }
}


/* ---------------------------------------------------------------- reading */

/* a ring unrolled: its oldest byte first */
typedef struct {
    vg_str_t identity;
    u_char  *bytes;
    size_t   len;
} vg_unrolled_t;


static vg_rc_t
vg_recorder_unroll(vg_call_t *call, vg_unrolled_t *u)
{
    size_t    size = vg_ring_size(), first;
    u_char   *bytes;
    uint64_t  ring;
    vg_ring_t head;

    u->len = 0;
    if (vg_ring_size() == 0 || vg_ring_find(u->identity, &ring, &head) != VG_OK)
    {
        return VG_OK;
    }
    bytes = vg_alloc(vg_pool(call), size);
    u->bytes = vg_alloc(vg_pool(call), size);
    if (bytes == NULL || u->bytes == NULL) {
        return VG_ERROR;
    }
    if (vg_ring_load(ring, &head, bytes) != VG_OK) {
        return VG_OK;
    }
    first = head.head > size ? head.head % size : 0;
    ngx_memcpy(u->bytes, bytes + first, size - first);
    ngx_memcpy(u->bytes + size - first, bytes, first);
    u->len = head.head > size ? size : head.head;
    return VG_OK;
}


/* The record that ends at *end; 0: there is none that makes sense. */
static ngx_uint_t
vg_recorder_last(const vg_unrolled_t *u, size_t *end, vg_record_t *record,
                 vg_str_t *text)
{
    size_t   room = sizeof(*record) + sizeof(uint32_t);
    uint32_t len;

    if (*end < room) {
        return 0;
    }
    ngx_memcpy(&len, u->bytes + *end - sizeof(len), sizeof(len));
    if (len > VG_RECORDER_TEXT || *end < room + len) {
        return 0;
    }
    *end -= room + len;
    ngx_memcpy(record, u->bytes + *end, sizeof(*record));
    *text = (vg_str_t){ (char *) u->bytes + *end + sizeof(*record), len };
    return record->len == len && record->kind < VG_RECORDS
           && record->check == vg_record_check(u->identity, *text)
           && vg_str_utf8(*text);
}


static void
vg_recorder_show(vg_out_t *out, const vg_record_t *record, vg_str_t text)
{
    vg_out_open(out, '{');
    vg_out_member(out, "time", vg_time_text(out->pool, record->at));
    vg_out_member(out, "direction", vg_str(vg_record_names[record->kind]));
    if (record->kind <= VG_RECORD_OUT) {
        vg_out_member(out, "message", text);
        vg_out_key(out, "size");
        vg_out_int(out, record->size);
        vg_out_key(out, "truncated");
        vg_out_bool(out, record->cut);
    }
    vg_out_close(out, '}');
}


/* newest first, as it is read */
vg_str_t
vg_messages(vg_call_t *call, vg_str_t charge_point, int64_t from, int64_t to)
{
    size_t        end;
    vg_out_t      out;
    vg_str_t      text;
    vg_record_t   record;
    vg_unrolled_t u = { .identity = charge_point };

    if (vg_recorder_unroll(call, &u) != VG_OK) {
        return (vg_str_t){ NULL, 0 };
    }
    end = u.len;
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_key(&out, "items");
    vg_out_open(&out, '[');
    while (vg_recorder_last(&u, &end, &record, &text)) {
        if (record.at >= from && record.at < to) {
            vg_recorder_show(&out, &record, text);
        }
    }
    vg_out_close(&out, ']');
    vg_out_key(&out, "nextCursor");
    vg_out_null(&out);
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}
