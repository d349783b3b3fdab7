// What the program is busy with, on stderr: on a terminal one line that is redrawn (phase, percent, rate, time left),
// elsewhere one line per phase when it ends (of 10 ms and more, with --verbose all). Nothing with --quiet.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "analyzer/commands/command.h"

namespace analyzer {

class Progress {
 public:
  /// `subject`: what is worked on, a path; sanitised here.
  Progress(const GlobalOptions& global, std::string_view subject);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Ends the phase before when `phase` is another one. `total` 0 = not known. Bytes of the input in the phases "open",
  /// "scan", "events" and "read", objects in all others. Cheap enough to be called every few thousand objects: one look
  /// at the clock.
  void update(std::string_view phase, std::uint64_t done = 0, std::uint64_t total = 0);
  /// Ends the last phase and clears the line. May be called more than once.
  void finish();

  /// The line on a terminal, without control characters. For tests.
  [[nodiscard]] static std::string line(std::string_view phase, std::string_view subject, std::uint64_t done,
                                        std::uint64_t total, double seconds);

 private:
  using Clock = std::chrono::steady_clock;
  void end_phase();

  std::string subject_;
  std::string phase_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  Clock::time_point phase_start_{};
  Clock::time_point drawn_{};
  bool redraw_ = false;  ///< stderr is a terminal
  bool lines_ = false;   ///< a line per phase
  bool verbose_ = false;
  bool on_screen_ = false;
};

}  // namespace analyzer
