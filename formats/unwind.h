// The call stack of each thread: return addresses by call frame information (.eh_frame, .debug_frame), through
// elfutils; where a function has none, by the frame pointer, and the frame says so.
//
// Sources: DWARF 5 section 6.4; the x86-64 psABI chapter 3 for the frame pointer's place; elfutils' libdwfl.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/debug_session.h"
#include "formats/process_image.h"
#include "formats/symbols.h"

namespace formats {

/// How a frame was found.
enum class FrameEvidence : std::uint8_t {
  registers,        ///< the thread's own: the innermost one
  call_frame_info,  ///< exact
  frame_pointer,    ///< the frame it called has no call frame information: a guess, and so is what comes behind it
  return_address,   ///< the word on top of the stack after a call to where no code is
};
[[nodiscard]] std::string_view to_text(FrameEvidence);

struct Frame {
  std::uint64_t program_counter = 0;
  std::uint64_t stack_pointer = 0;  ///< lowest byte of its stack, 0 = not known
  std::uint64_t stack_end = 0;      ///< its caller's stack pointer, 0 = not known (the outermost frame)
  FrameEvidence evidence = FrameEvidence::registers;
  bool is_signal_frame = false;  ///< what a signal handler returns to; its "caller" is what was interrupted
  bool is_inlined = false;       ///< no stack of its own: the same pc and stack as the frame that it was inlined into
  std::string function;          ///< demangled; "" = not known
  std::string file;              ///< source file, "" = not known
  int line = 0;
  const Module* module = nullptr;  ///< nullptr = in no module
  /// Those known in this frame, by DWARF number; of inlined ones none.
  std::vector<std::pair<std::uint8_t, std::uint64_t>> registers;
};

struct CallStack {
  std::vector<Frame> frames;  ///< innermost first, at most 1024 (inlined ones not counted)
  bool is_cut = false;        ///< there were more
};

/// What walks the stacks of one process. Borrows all three; not for use by several threads.
class Unwinder {
 public:
  Unwinder(const ProcessImage& image, const DebugSession& session, const Symbols& symbols);

  /// The stack of Core::threads[index]; empty when its registers are not in the core. O(frames).
  [[nodiscard]] CallStack unwind(std::size_t index) const;
  /// The functions at an address, innermost first: those inlined there, then the one that holds it; only names, files
  /// and lines are set. Empty: not known.
  [[nodiscard]] std::vector<Frame> names_at(std::uint64_t address) const;

 private:
  struct Process;
  void name(const Frame& frame, CallStack& stack) const;

  const ProcessImage& image_;
  const DebugSession& session_;
  const Symbols& symbols_;
  mutable std::unordered_map<std::uint64_t, std::vector<Frame>> names_;  // by address: recursion asks again and again
  std::shared_ptr<Process> process_;                                     // shared: an incomplete type, and nothing else
};

}  // namespace formats
