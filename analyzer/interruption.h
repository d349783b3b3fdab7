// Ctrl-C during an import: stop at once, leave nothing behind. The handler removes the registered files, ends the
// progress line and exits with 128 + the signal's number: no unwinding, as passes run for seconds without a look at
// flags.
#pragma once

#include <string>

namespace analyzer {

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGPIPE remove the files of remove_on_interrupt() and end the program.
/// One at a time; the former handlers come back at the end.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// Registers a file (or empty directory, removed last) to be removed. At most 8, each shorter than PATH_MAX; more
  /// are ignored.
  void remove_on_interrupt(const std::string& path);
};

}  // namespace analyzer
