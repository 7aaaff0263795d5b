/* with: nginx-modules/outbound/written.c nginx-modules/outbound/address.c | -lcurl
 *
 * written.c: any text as a path, an address, a subject, a network. What passes
 * ends no line; and libcurl, which will take the URL apart, finds the host of
 * the target in it, and its path before the call's.
 */

#include <curl/curl.h>

#include "address.h"
#include "fuzz.h"
#include "written.h"

#define TARGET "https://target.example/base"


static void
no_control(vg_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        REQUIRE((unsigned char) text.data[i] >= ' ' && text.data[i] != 0x7f);
    }
}


static void
path(vg_pool_t *pool, vg_str_t text)
{
    char    *host = NULL, *found = NULL, *user = NULL;
    CURLU   *url = curl_url();
    vg_str_t whole;

    if (url != NULL && vg_written_path(text, 2048)) {
        no_control(text);
        whole = vg_printf(pool, TARGET "%.*s", (int) text.len, text.data);
        REQUIRE(curl_url_set(url, CURLUPART_URL, whole.data, 0) == CURLUE_OK);
        REQUIRE(curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK);
        REQUIRE(strcmp(host, "target.example") == 0);
        REQUIRE(curl_url_get(url, CURLUPART_PATH, &found, 0) == CURLUE_OK);
        REQUIRE(strncmp(found, "/base", 5) == 0);
        REQUIRE(curl_url_get(url, CURLUPART_USER, &user, 0) != CURLUE_OK);
        curl_free(host);
        curl_free(found);
    }
    curl_url_cleanup(url);
}


static void
mail(vg_pool_t *pool, vg_str_t text)
{
    vg_str_t line;

    if (vg_written_address(text) || vg_written_key(text)) {
        no_control(text);
        REQUIRE(memchr(text.data, '>', text.len) == NULL);
    }
    if (vg_written_subject(text)) {
        line = vg_written_encoded(pool, text);
        no_control(line);
        REQUIRE(line.len + sizeof("Subject: ") <= 998);
        REQUIRE(line.len >= text.len || text.len == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *copy = fuzz_copy(data, size);
    vg_str_t     text = { copy, size };
    vg_pool_t   *pool = vg_arena_create();
    vg_network_t network;

    path(pool, text);
    mail(pool, text);
    if (memchr(copy, '\0', size) == NULL) {
        text = vg_printf(pool, "%.*s", (int) size, copy);
        (void) vg_written_token(text.data);
        if (vg_network_read(text.data, &network)) {
            REQUIRE(network.bits <= 128);
        }
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}
