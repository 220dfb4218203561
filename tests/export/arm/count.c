/* A plugin of QEMU that counts executed instructions, in total and of some kinds.

   It prints the counts so far at each getppid(), a system call that nothing else makes here: the
   program calls it before and after what it wants to have counted. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of qemu-plugin.h that is in use; Debian does not package the header. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*translated_t)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*executed_t)(unsigned int, void *);
typedef void (*called_t)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t, uint64_t,
                         uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated_t);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed_t, int, void *);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, called_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *);
int qemu_plugin_version = 1; /* of the interface, in QEMU 4.2 to 8.2 */

enum { GETPPID = 173 }; /* of Linux on aarch64 */

/* Multiplications of vectors; Arm Architecture Reference Manual, C4.1, "SIMD and FP". */
static const struct {
    const char *name;
    uint32_t mask, bits;
} kinds[] = {
    {"fmla", 0xbfa0fc00, 0x0e20cc00},  {"fmla", 0xbf80f400, 0x0f801000}, /* by element */
    {"smull", 0xbf20fc00, 0x0e20c000}, {"smull", 0xbf00f400, 0x0f00a000},
    {"smlal", 0xbf20fc00, 0x0e208000}, {"smlal", 0xbf00f400, 0x0f002000},
    {"sdot", 0xbfe0fc00, 0x0e809400},  {"sdot", 0xbfc0f400, 0x0f80e000},
    {"smmla", 0xffe0fc00, 0x4e80a400},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A translated block of instructions. LiteRT runs on one thread, so that nothing needs a lock. */
struct block {
    uint64_t runs, instructions, of[KINDS];
    struct block *next;
};
static struct block *blocks;

static void executed(unsigned int cpu, void *block)
{
    ((struct block *)block)->runs++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        abort();
    block->instructions = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < block->instructions; i++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, i)), sizeof word);
        for (int k = 0; k < KINDS; k++)
            block->of[k] += (word & kinds[k].mask) == kinds[k].bits;
    }
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, block);
}

static void called(qemu_plugin_id_t id, unsigned int cpu, int64_t number, uint64_t a, uint64_t b,
                   uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    uint64_t all = 0, of[KINDS] = {0};
    if (number != GETPPID)
        return;
    for (struct block *block = blocks; block; block = block->next) {
        all += block->runs * block->instructions;
        for (int k = 0; k < KINDS; k++)
            of[k] += block->runs * block->of[k];
    }
    fprintf(stderr, "count all=%" PRIu64, all);
    for (int k = 0; k < KINDS; k++)
        fprintf(stderr, " %s=%" PRIu64, kinds[k].name, of[k]);
    fprintf(stderr, "\n");
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
