
/*
 * Files with sets of keys: read while the configuration is tested, where a bad
 * one fails the test, and read again by each worker when they change, where a
 * bad one is logged once and changes nothing.
 */


#include "ngx_http_twocare.h"


/* a set of keys has a few hundred bytes per key */

#define NGX_HTTP_TWOCARE_KEYFILE_MAX  262144


static const char *ngx_http_twocare_keyfile_look(
    ngx_http_twocare_keyfile_t *file);
static ssize_t ngx_http_twocare_keyfile_read(const u_char *name, char *buf,
    size_t size, ngx_file_info_t *fi);
static void ngx_http_twocare_keyfile_cleanup(void *data);


ngx_http_twocare_keyfile_t *
ngx_http_twocare_keyfile_add(ngx_conf_t *cf, ngx_str_t *path,
    ngx_uint_t secret)
{
    ngx_str_t                      name;
    ngx_uint_t                     i;
    ngx_file_info_t                fi;
    ngx_pool_cleanup_t            *cln;
    ngx_http_twocare_keyfile_t    *file, **filep;
    ngx_http_twocare_main_conf_t  *tmcf;

    name = *path;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NULL;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);
    filep = tmcf->keyfiles.elts;

    for (i = 0; i < tmcf->keyfiles.nelts; i++) {
        if (filep[i]->secret == secret && filep[i]->path.len == name.len
            && ngx_memcmp(filep[i]->path.data, name.data, name.len) == 0)
        {
            return filep[i];
        }
    }

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_http_twocare_keyfile_t));
    filep = ngx_array_push(&tmcf->keyfiles);

    if (cln == NULL || filep == NULL) {
        return NULL;
    }

    file = cln->data;
    ngx_memzero(file, sizeof(ngx_http_twocare_keyfile_t));
    cln->handler = ngx_http_twocare_keyfile_cleanup;

    *filep = file;
    file->path = name;
    file->secret = secret;

    file->complaint = ngx_http_twocare_keyfile_look(file);

    if (file->complaint != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "keys \"%V\": %s", &name,
                           file->complaint);
        return NULL;
    }

    if (secret && ngx_file_info(name.data, &fi) != NGX_FILE_ERROR
        && (fi.st_mode & S_IRWXO))
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "secrets \"%V\" can be used by everybody on this "
                           "machine", &name);
    }

    return file;
}


void
ngx_http_twocare_keyfile_refresh(ngx_http_twocare_keyfile_t *file,
    ngx_log_t *log)
{
    const char        *before, *why;
    struct jose_keys  *keys;

    keys = file->keys;
    before = file->complaint;

    why = ngx_http_twocare_keyfile_look(file);
    file->complaint = why;

    if (why != NULL) {
        if (before == NULL || ngx_strcmp(before, why) != 0) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "keys \"%V\": %s; what was read before stays",
                          &file->path, why);
        }

        return;
    }

    if (before != NULL) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0, "keys \"%V\": good again",
                      &file->path);
    }

    if (keys != NULL && keys != file->keys) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0, "keys \"%V\": now %uz",
                      &file->path, jose_keys_count(file->keys));
    }
}


/* returns what is wrong with the file as it lies there now */

static const char *
ngx_http_twocare_keyfile_look(ngx_http_twocare_keyfile_t *file)
{
    ssize_t            n;
    struct str         text;
    const char        *why;
    ngx_file_info_t    fi;
    enum jose_error    error;
    struct jose_keys  *keys;

    static char  buf[NGX_HTTP_TWOCARE_KEYFILE_MAX];

    if (ngx_file_info(file->path.data, &fi) == NGX_FILE_ERROR) {
        return "cannot be read";
    }

    if (ngx_file_uniq(&fi) == file->uniq
        && fi.st_mtim.tv_sec == file->mtime.tv_sec
        && fi.st_mtim.tv_nsec == file->mtime.tv_nsec
        && ngx_file_size(&fi) == file->size)
    {
        return file->complaint;
    }

    n = ngx_http_twocare_keyfile_read(file->path.data, buf, sizeof(buf), &fi);
    if (n < 0) {
        return "cannot be read";
    }

    file->uniq = ngx_file_uniq(&fi);
    file->mtime = fi.st_mtim;
    file->size = ngx_file_size(&fi);

    text = (struct str) { buf, (size_t) n };
    why = "is no set of keys";

    keys = file->secret ? jose_secrets_load(text, NULL, &error, &why)
                        : jose_keys_load(text, NULL, &error, &why);

    if (file->secret) {
        ngx_explicit_memzero(buf, n);
    }

    if (keys == NULL) {
        return why;
    }

    jose_keys_free(file->keys);
    file->keys = keys;

    return NULL;
}


/* fi becomes that of the file that was opened */

static ssize_t
ngx_http_twocare_keyfile_read(const u_char *name, char *buf, size_t size,
    ngx_file_info_t *fi)
{
    size_t    got;
    ssize_t   n;
    ngx_fd_t  fd;

    fd = open((const char *) name, O_RDONLY|O_NONBLOCK|O_CLOEXEC);
    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    n = (ngx_fd_info(fd, fi) == NGX_FILE_ERROR) ? -1 : 1;

    for (got = 0; n > 0 && got < size; got += n) {
        n = read(fd, buf + got, size - got);

        if (n == -1) {
            break;
        }
    }

    (void) ngx_close_file(fd);

    return (n != -1 && got < size) ? (ssize_t) got : NGX_ERROR;
}


static void
ngx_http_twocare_keyfile_cleanup(void *data)
{
    ngx_http_twocare_keyfile_t  *file = data;

    jose_keys_free(file->keys);
    file->keys = NULL;
}
