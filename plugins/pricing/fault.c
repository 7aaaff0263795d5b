/*
 * fault.c: what is wrong with an input; see fault.h.
 */

#include "fault.h"


void
fault_add(faults_t *faults, const char *path, const char *message)
{
    fault_t *fault;

    if (faults->count++ >= FAULTS_MAX) {
        return;
    }

    fault = vg_alloc(faults->pool, sizeof(*fault));
    if (fault == NULL) {
        return;
    }
    *fault = (fault_t){ path, message, NULL };
    if (faults->first == NULL) {
        faults->first = fault;
    } else {
        faults->last->next = fault;
    }
    faults->last = fault;
}


const char *
path_member(faults_t *faults, const char *parent, const char *name)
{
    vg_str_t path = parent[0] == '\0'
                        ? vg_str(name)
                        : vg_printf(faults->pool, "%s.%s", parent, name);

    return path.data != NULL ? path.data : "";
}


const char *
path_item(faults_t *faults, const char *parent, size_t index)
{
    vg_str_t path = vg_printf(faults->pool, "%s[%zu]", parent, index);

    return path.data != NULL ? path.data : "";
}
