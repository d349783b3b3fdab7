// Small texts of perf with every spelling of a line: perf script, perf mem, perf c2c. Numbers and layouts are those of
// real outputs (perf 4.13 to 6.11), programs and places are not.
#pragma once

#include <string>

#include "tests/support/perf_writer.h"

namespace tests {

/// 7 samples: 4 loads of user space, of them one local and one remote HITM; 1 store; 1 load and 1 peer load of the
/// kernel.
inline const std::string small_perf_script =
    "             app  5415 [000]   344.632654:          1 cpu/mem-loads,ldlat=30/P:     55c8971f0080      2669808042 "
    "|OP LOAD|LVL Remote Remote Cache (1 hop) or L3 hit|SNP HitM|TLB L1 or L2 hit|LCK N             601            "
    "   0     56341cfcf181 serve(int, char)+0x18 (/opt/my app)\n"
    "          my app  5412/5414 [001] 344.632656: cpu/mem-loads,ldlat=30/P:     55c8971f0088 counters+0x8 (/opt/app) "
    "      669800842 |OP LOAD|LVL L3 or L3 hit|SNP HitM|TLB L1 or L2 hit|LCK N/A|BLK  N/A             180     "
    "56341cfcf1b9 add (/opt/app)               0\n"
    "cpu/mem-stores/P:     55c8971f0090 [unknown] ([unknown])        69080144 |OP STORE|LVL L1 hit|SNP N/A|TLB L1 or "
    "L2 "
    "hit|LCK N/A|BLK  N/A               0\n"
    "app  5424 [000]   345.738362:          1 cpu/mem-loads,ldlat=30/P:                0       269100142 |OP LOAD|LVL "
    "L1 or L1 hit|SNP None|TLB L1 or L2 hit|LCK N/A|BLK  N/A              10               0\n"
    "\t            1181 touch+0x18 (/opt/app (deleted))\n"
    "\t               0 [unknown] ([unknown])\n"
    "\n"
    "app 5427 344.640000: cycles:  56341cfcf1b9 add (/opt/app)\n"
    "app  5424 [000]   345.738365:         50  cpu_core/mem-loads,ldlat=30/: 7ffdf1391b0c     10268100142 |OP LOAD|LVL "
    "L1 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK  Addr               5              33               0 "
    "ffffffff8cc2ba08 "
    "operator|=+0x3 ([kernel.kallsyms])\n"
    "       memstress  3603 [020]   122.463754:          1            l1d-miss:       8688000842 |OP LOAD|LVL L3 or L3 "
    "hit|SNP N/A|TLB Walker hit|LCK No|BLK  N/A               aaaac17c3e88 [unknown] (/opt/memstress)\n"
    "  ls 14753 [011]  3678.072400:          1    tlb-access:  ffff0027a65352a0       88000182 L1 miss|SNP N/A|TLB "
    "Walker hit|LCK No|BLK  N/A ffffa7c22b4b2a00 [unknown] ([kernel.kallsyms])\n";

/// 3 samples of perf mem -D report, the first with the mistake in its address; separated by blanks.
inline const std::string small_perf_mem_dump =
    "# PID, TID, IP, ADDR, PHYS ADDR, DATA PAGE SIZE, LOCAL WEIGHT, DSRC, SYMBOL\n"
    " 6881  6882 0xffffffff817554ea 0x01655c8971f0098 0x000000044e96a308 4K   303 0x69081042 "
    "[kernel.kallsyms]:elf_load\n"
    "6881 6881 0x56341cfcf181 0x55c8971f0098 0x0000000000000000 N/A 601 0x2669808042 /opt/my app:std::swap(int&, "
    "int&)\n"
    "6881 6881 0x56341cfcf1b9 0x0 0x0000000000000000 2M 0 0x69080144 ???:???\n";

/// Two events: 575 loads, of them 25 remote and 7 local HITM, 9 without an address; 12 stores.
inline const std::string small_perf_mem_report =
    "# Total Lost Samples: 0\n"
    "#\n"
    "# Samples: 4K of event 'cpu/mem-loads,ldlat=30/P'\n"
    "# Total weight : 203745\n"
    "#\n"
    "# Overhead       Samples  Local Weight  Memory access             Symbol                    Shared Object  Data "
    "Symbol             Data Object  Snoop         Locked\n"
    "# ........  ............  ............  ........................  ........................  .............  "
    "......................  ...........  ............  ......\n"
    "#\n"
    "     9.03%           534  32            L1 or L1 hit              [.] serve(int, char)      app            [.] "
    "0x00007ffcac77e3c8  [stack]      None          No\n"
    "            |\n"
    "            ---serve\n"
    "               main\n"
    "\n"
    "     1.43%            25  602           Remote Remote Cache (1 hop) or L3 hit  [.] serve(int, char)      app      "
    " "
    "     [.] counters+0x8        app          HitM          N/A\n"
    "     1.02%             7  181           L3 or L3 hit              [k] 0xffffffff8c2011b2    [unknown]      [.] "
    "0x000055c8971f0088  [heap]       HitM          N/A\n"
    "     0.39%             9  0             N/A                       [.] main                  app            [.] "
    "0000000000000000    [unknown]    N/A           N/A   \n"
    "\n"
    "# Samples: 12  of event 'cpu/mem-stores/P'\n"
    "# Overhead       Samples  Memory access  Data Symbol             Locked\n"
    "# ........  ............  .............  ......................  ......\n"
    "#\n"
    "   100.00%            12  L1 hit         [.] 0x000055c8971f0090  No\n"
    "\n"
    "#\n"
    "# (Tip: a text of perf's)\n"
    "#\n";

/// Two contended lines and five accesses: 4 remote, 2 092 + 3 local HITM, 12 stores.
inline std::string small_perf_c2c(const PerfC2cWriter::Layout& layout = {}) {
  const PerfC2cWriter::Line counters = {
      .address = "0x20ea08034080", .remote = 4, .local = 2092, .l1_hits = 8, .l1_misses = 4, .loads = 3152};
  const PerfC2cWriter::Line queue = {.address = "0xffff0027a65352c0", .nodes = "0-1", .local = 3, .loads = 9};
  return PerfC2cWriter(layout)
      .lines({counters, queue})
      .pareto()
      .totals(0, counters)
      .access({"75.00", "49.62", "100.00", "25.00", "0.00", "0x30", "14604", "14605:my app", "0x53dc88", "410", "75",
               "0", "1561", "12", "[.] serve(int, char)", "app", "serve.cpp:12"})
      .access({"25.00", "50.38", "0.00", "0.00", "0.00", "0x38", "14604", "14606:app", "0x53dbc8", "0", "75", "26",
               "1600", "10", "[.] github.com/someone/something/else", "app", "else.go:0", "0{0-1,4}  1{24-25,120}"})
      .access({"0.00", "0.00", "0.00", "75.00", "0.00", "0x3c", "14604", "14606:app", "0x53dbcc", "0", "0", "0", "3",
               "1", "[.] 0x0000000000013dbc", "[unknown]", "app[13dbc]", "0"})
      .text("\n")
      .totals(1, queue)
      .access({"0.00", "100.00", "0.00", "0.00", "0.00", "0x0", "0", "0:swapper", "0xffffffff8cc2ba08", "0", "1333",
               "794", "9", "3", "[k] ktime_get", "[kernel.kallsyms]", "ktime_get+19", "0  1"})
      .access({"0.00", "0.00", "0.00", "0.00", "0.00", "0x8", "0", "0:swapper", "0xffffffff8cc2ba0c", "0", "0", "8",
               "0", "1", "[k] ktime_get", "[kernel.kallsyms]", "??:0", "1"})
      .bytes();
}

}  // namespace tests
