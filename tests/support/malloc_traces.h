// Small traces of allocation functions with every spelling of a line: glibc's mtrace, valgrind --trace-malloc=yes.
#pragma once

#include <string>

namespace tests {

/// 4 allocations, one of them moved by realloc at once; 40 bytes live at the end, 140 at the peak; one unknown free.
inline const std::string small_mtrace =
    "= Start\n"
    "@ /opt/my app:(_Z4makei+0x1a)[0x11c9] + 0xa000 0x64\n"
    "@ /opt/my app:[0x11d0] + 0xb000 0x10\n"
    "@ /opt/my app:[0x11d8] < 0xb000\n"
    "@ /opt/my app:[0x11d8] > 0xc000 0x20\n"
    "@ /opt/my app:[0x11d8] ! 0xc000 0x7fffffff\n"
    "@ [0x4005fb] + (nil) 0x1000\n"
    "@ [0x4005fb] + 0xd000 0x8\n"
    "@ [0x4005fb] - 0xa000\n"
    "- 0xeeee\n"
    "= End\n";

/// 3 allocations; 4096 bytes live at the end.
inline const std::string small_valgrind_trace =
    "==14927== Memcheck, a memory error detector\n"
    "==14927== Command: /opt/app 200\n"
    "--14927-- malloc(163) = 0x4A44040\n"
    "output of the program\n"
    "--14927-- _Znwm(24) = 0x4A44130\n"
    "--14927-- realloc(0x4A44040,4096) = 0x4A45BF0\n"
    "--14927-- _ZdlPvm(0x4A44130)\n"
    "==14927== HEAP SUMMARY:\n";

}  // namespace tests
