/*
 * gate.c: a bounded number inside, the rest in a line.
 */

#include "gate.h"


/* ms until the next look, when there is somebody to look for */
static void
vg_gate_look(vg_gate_t *gate, ngx_msec_t ms)
{
    ngx_msec_t       left, waited;
    vg_gate_guest_t *first;

    if (gate->waiting == 0) {
        return;
    }
    first =
        ngx_queue_data(ngx_queue_head(&gate->guests), vg_gate_guest_t, queue);
    waited = ngx_current_msec - first->since;
    left = waited < gate->wait ? gate->wait - waited : 0;
    ngx_add_timer(&gate->timer, 1 + ngx_min(ms, left));
}


static vg_gate_guest_t *
vg_gate_next(vg_gate_t *gate)
{
    vg_gate_guest_t *guest =
        ngx_queue_data(ngx_queue_head(&gate->guests), vg_gate_guest_t, queue);

    ngx_queue_remove(&guest->queue);
    guest->waiting = 0;
    gate->waiting--;
    return guest;
}


static ngx_uint_t
vg_gate_late(vg_gate_t *gate)
{
    vg_gate_guest_t *first =
        ngx_queue_data(ngx_queue_head(&gate->guests), vg_gate_guest_t, queue);

    return ngx_current_msec - first->since >= gate->wait || ngx_exiting;
}


static void
vg_gate_open(ngx_event_t *ev)
{
    vg_gate_t       *gate = ev->data;
    ngx_msec_t       pause = gate->wait;
    vg_gate_guest_t *guest;

    while (gate->waiting > 0) {
        if (vg_gate_late(gate)) {
            gate->late(vg_gate_next(gate));
            continue;
        }
        if (gate->inside >= gate->room) {
            break;
        }
        pause = gate->turn != NULL ? gate->turn() : 0;
        if (pause > 0) {
            break;
        }
        guest = vg_gate_next(gate);
        guest->inside = 1;
        gate->inside++;
        gate->go(guest);
    }
    vg_gate_look(gate, pause);
}


static void
vg_gate_soon(vg_gate_t *gate)
{
    if (!gate->timer.posted) {
        ngx_post_event(&gate->timer, &ngx_posted_events);
    }
}


void
vg_gate_init(vg_gate_t *gate)
{
    ngx_queue_init(&gate->guests);
    gate->timer.handler = vg_gate_open;
    gate->timer.data = gate;
    gate->timer.log = ngx_cycle->log;
}


void
vg_gate_come(vg_gate_t *gate, vg_gate_guest_t *guest)
{
    guest->since = ngx_current_msec;
    guest->waiting = 1;
    ngx_queue_insert_tail(&gate->guests, &guest->queue);
    gate->waiting++;
    if (gate->waiting == 1) {
        vg_gate_soon(gate);
    }
}


void
vg_gate_leave(vg_gate_t *gate, vg_gate_guest_t *guest)
{
    if (guest->waiting) {
        ngx_queue_remove(&guest->queue);
        guest->waiting = 0;
        gate->waiting--;
    }
    if (guest->inside) {
        guest->inside = 0;
        gate->inside--;
        if (gate->waiting > 0) {
            vg_gate_soon(gate);
        }
    }
    if (gate->waiting == 0 && gate->timer.timer_set) {
        ngx_del_timer(&gate->timer); /* a worker that leaves waits for none */
    }
}
