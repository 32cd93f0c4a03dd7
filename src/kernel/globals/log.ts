/** The log and the consoles. */

export const logVariables = `
struct printk_ringbuffer *prb;
struct printk_ringbuffer printk_rb_static;
struct printk_ringbuffer printk_rb_dynamic;
char *log_buf;
u32 log_buf_len;
wait_queue_head_t log_wait;
struct latched_seq clear_seq;
int console_printk[4];
int console_suspended;
bool console_suspend_enabled;
struct console *console_drivers;
struct hlist_head console_list;
struct task_struct *console_owner;
raw_spinlock_t console_owner_lock;
bool console_waiter;
struct semaphore console_sem;
struct mutex console_mutex;
int console_locked;
int console_may_schedule;
int console_set_on_cmdline;
int preferred_console;
struct console_cmdline console_cmdline[8];
bool printk_time;
u64 syslog_seq;
size_t syslog_partial;
int dmesg_restrict;
int kptr_restrict;
struct ratelimit_state printk_ratelimit_state;
struct list_head dump_list;
spinlock_t dump_list_lock;
unsigned int devkmsg_log;
struct mutex syslog_lock;
bool no_hash_pointers;
bool printk_console_no_auto_verbose;
int printk_delay_msec;
`;
