// elfutils' libdwfl over the modules of a process: what symbols.h and unwind.h share. It sees the files that modules.h
// has opened and separate debug files of the same build (.build-id, .gnu_debuglink, dwz's .gnu_debugaltlink); no
// debuginfod.
//
// Source: elfutils' libdwfl.h.
#pragma once

#include <memory>
#include <vector>

#include "formats/modules.h"

struct Dwfl;
struct Dwfl_Module;

namespace formats {

class DebugSession {
 public:
  /// Borrows the modules. Files are parsed when first asked for.
  explicit DebugSession(const Modules& modules);
  DebugSession(const DebugSession&) = delete;
  DebugSession& operator=(const DebugSession&) = delete;
  ~DebugSession();

  [[nodiscard]] const Modules& modules() const { return modules_; }
  [[nodiscard]] Dwfl* get() const { return dwfl_; }  ///< nullptr when libdwfl could not start: nothing is known then
  /// The module's, or nullptr when it has no file.
  [[nodiscard]] Dwfl_Module* find(const Module& module) const;

 private:
  const Modules& modules_;
  Dwfl* dwfl_ = nullptr;
  struct Reported;
  std::vector<std::unique_ptr<Reported>> reported_;  // by index of the module; addresses are known to libdwfl
};

}  // namespace formats
