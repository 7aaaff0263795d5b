/*
 * fault.h: what is wrong with an input, all of it, by path.
 */

#ifndef PRICING_FAULT_H
#define PRICING_FAULT_H

#include "vg_json.h"

#define FAULTS_MAX 50 /* more are counted, not kept */

typedef struct fault_s fault_t;
struct fault_s {
    const char *path; /* "tariff.elements[0].price_components[1].price" */
    const char *message;
    fault_t    *next;
};

typedef struct {
    vg_pool_t *pool;
    fault_t   *first, *last;
    unsigned   count;
} faults_t;

/* Keeps the fault. message is a literal. */
void fault_add(faults_t *faults, const char *path, const char *message);

/* "parent.name", "parent[index]"; "" when there is no memory, which
 * fault_add() then counts all the same */
const char *path_member(faults_t *faults, const char *parent, const char *name);
const char *path_item(faults_t *faults, const char *parent, size_t index);

#endif
