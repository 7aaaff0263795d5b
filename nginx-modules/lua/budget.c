/*
 * budget.c: how long an entry may keep the thread. A timer over the thread's
 * CPU clock ticks while Lua has work; a tick sets a count hook. There a handler
 * yields, to go on at a later turn of the event loop (task.c); and what met as
 * many ticks as it may, or was to yield and cannot, is ended: an error at each
 * instruction until the entry has unwound. A hook that stands all the time would
 * double what each instruction costs, and a timer set for each entry two system
 * calls.
 *
 * The hook never fires in compiled code: plugins whose code is compiled are
 * trusted to end.
 */

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "vm.h"

#define VG_LUA_SIGNAL (SIGRTMIN + 5)
#define VG_LUA_IDLE   400  /* ticks without Lua, then it rests              */
#define VG_LUA_AGAIN  1000 /* instructions                                  */
#define VG_LUA_JUMP   10   /* ticks that one signal stands for at most      */

static vg_lua_entry_t *volatile vg_lua_entry;

static timer_t               vg_lua_timer;
static pid_t                 vg_lua_timer_of; /* timers are not inherited    */
static volatile sig_atomic_t vg_lua_ticking;
static volatile unsigned     vg_lua_idle;


/* Only in a plugin's own files: the house's, around a wait, are not to be parted
 * from it. Behind a function in C (table.sort, string.gsub) nothing can yield;
 * it is looked at again when that may be over. */
static void
vg_lua_hook(lua_State *L, lua_Debug *at)
{
    vg_lua_vm_t *vm = vg_lua_vm_of(L);

    if (vg_lua_still(L) || vm->task == NULL) {
        return;
    }
    if (lua_getinfo(L, "S", at) == 0 || at->source[0] != '@') {
        return;
    }
    if (lua_isyieldable(L)) {
        vm->off = 1;
        (void) lua_yield(L, 0);
    }
    (void) lua_sethook(L, vg_lua_hook, LUA_MASKCOUNT, VG_LUA_AGAIN);
}


static void
vg_lua_set(long ms)
{
    struct itimerspec every = { { 0, ms * 1000000 }, { 0, ms * 1000000 } };

    (void) timer_settime(vg_lua_timer, 0, &every, NULL);
    vg_lua_ticking = ms != 0;
}


/* In a signal handler: nothing here takes a lock or memory; LuaJIT's own program
 * sets a hook so. Set again by each tick, since one may come while the hook is
 * being taken away. Where the clock is coarser than a tick several are one; a
 * virtual machine that stood still makes one of hundreds, which are nobody's. */
static void
vg_lua_tick(int signal)
{
    vg_lua_entry_t *entry = vg_lua_entry;
    int             more = timer_getoverrun(vg_lua_timer);

    (void) signal;
    if (entry == NULL) {
        if (++vg_lua_idle > VG_LUA_IDLE) {
            vg_lua_set(0);
        }
        return;
    }
    vg_lua_idle = 0;
    entry->ticks += 1 + (ngx_uint_t) ngx_min(ngx_max(more, 0), VG_LUA_JUMP);
    if (entry->ticks > entry->limit) {
        entry->vm->over = "it takes too long";
    } else if (!entry->slices) {
        return;
    }
    entry->vm->hooked = 1;
    (void) lua_sethook(entry->vm->L, vg_lua_hook, LUA_MASKCOUNT, 1);
}


static void
vg_lua_timer_make(void)
{
    struct sigaction action = { .sa_handler = vg_lua_tick,
                                .sa_flags = SA_RESTART };
    struct sigevent  event = { .sigev_notify = SIGEV_THREAD_ID };

    event.sigev_signo = VG_LUA_SIGNAL;
    event._sigev_un._tid = (pid_t) syscall(SYS_gettid);
    (void) sigemptyset(&action.sa_mask);
    vg_lua_ticking = 0;
    if (sigaction(VG_LUA_SIGNAL, &action, NULL) == -1
        || timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &vg_lua_timer) == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      "voltgate: no timer for Lua's time");
        return;
    }
    vg_lua_timer_of = getpid();
}


void
vg_lua_budget_begin(vg_lua_entry_t *entry)
{
    if (vg_lua_timer_of != ngx_pid) {
        vg_lua_timer_make();
    }
    entry->before = vg_lua_entry;
    vg_lua_entry = entry;
    if (!vg_lua_ticking && vg_lua_timer_of != 0) {
        vg_lua_set(VG_LUA_TICK);
    }
}


/* The outer entry, of another plugin, goes on where it was. The master has no
 * more to do with Lua: it must not meet a tick once this object is unloaded. */
void
vg_lua_budget_end(vg_lua_entry_t *entry)
{
    vg_lua_vm_t *vm = entry->vm;

    vg_lua_entry = entry->before;
    ngx_memory_barrier();
    if (vm->inside == 0) {
        if (vm->hooked) {
            (void) lua_sethook(vm->L, NULL, 0, 0);
            vm->hooked = 0;
        }
        vm->over = NULL; /* a pattern's steps set no hook */
    }
    if (ngx_process != NGX_PROCESS_WORKER && vg_lua_entry == NULL
        && vg_lua_ticking) {
        vg_lua_set(0);
    }
}


void
vg_lua_budget_stop(void)
{
    if (vg_lua_timer_of == ngx_pid) {
        (void) timer_delete(vg_lua_timer);
        (void) signal(VG_LUA_SIGNAL, SIG_IGN); /* one that is on its way */
        vg_lua_timer_of = 0;
    }
}
