#include "analyzer/progress.h"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "analyzer/quantities.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

constexpr auto redraw_interval = std::chrono::milliseconds(100);

bool counts_bytes(std::string_view phase) {
  return phase == "open" || phase == "scan" || phase == "events" || phase == "read";
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string amount(std::string_view phase, std::uint64_t done) {
  return counts_bytes(phase) ? format_size(static_cast<double>(done)) : format_count(done) + " objects";
}

std::string rate(std::string_view phase, std::uint64_t done, double seconds) {
  const double each_second = static_cast<double>(done) / std::max(seconds, 1e-3);
  if (counts_bytes(phase)) return format_size(each_second) + "/s";
  return format_count(static_cast<std::uint64_t>(each_second)) + " objects/s";
}

std::string time_left(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

}  // namespace

Progress::Progress(const GlobalOptions& global, std::string_view subject) : subject_(printable(subject)) {
  const bool terminal = is_terminal(Stream::error);
  verbose_ = global.verbose;
  redraw_ = !global.quiet && terminal;
  lines_ = !global.quiet && (!terminal || global.verbose);
}

std::string Progress::line(std::string_view phase, std::string_view subject, std::uint64_t done, std::uint64_t total,
                           double seconds) {
  std::string text(phase);
  text += ' ';
  text += subject;
  if (done == 0) return text;
  if (total != 0)
    text +=
        "  " + format_decimal(100.0 * static_cast<double>(std::min(done, total)) / static_cast<double>(total), 0) + '%';
  // Rates of the first moment are noise.
  if (seconds < 0.2) return text;
  text += "  " + rate(phase, done, seconds);
  if (total > done)
    text += "  ETA " + time_left(seconds * static_cast<double>(total - done) / static_cast<double>(done));
  return text;
}

void Progress::update(std::string_view phase, std::uint64_t done, std::uint64_t total) {
  if (!redraw_ && !lines_) return;
  const Clock::time_point now = Clock::now();
  if (phase != phase_) {
    end_phase();
    phase_ = phase;
    phase_start_ = now;
    drawn_ = {};
  }
  done_ = done;
  total_ = total;
  if (!redraw_ || now - drawn_ < redraw_interval) return;
  drawn_ = now;
  std::string text = line(phase_, subject_, done_, total_, std::chrono::duration<double>(now - phase_start_).count());
  const std::size_t width = terminal_width(Stream::error);
  // A line that wraps could not be redrawn. Bytes, not columns: too short for non-ASCII names, never too long.
  if (text.size() >= width) text.resize(width - 1);
  std::cerr << '\r' << text << "\x1b[K" << std::flush;
  on_screen_ = true;
}

void Progress::end_phase() {
  if (phase_.empty()) return;
  if (on_screen_) std::cerr << "\r\x1b[K" << std::flush;
  on_screen_ = false;
  const double seconds = seconds_since(phase_start_);
  // Of a small dump a dozen phases would say "0 s": noise in every CI log.
  if (lines_ && (verbose_ || seconds >= 0.01)) {
    std::string text = "heapql: " + phase_;
    if (done_ != 0) text += ": " + amount(phase_, done_);
    std::cerr << text << " in " << format_decimal(seconds, seconds < 1 ? 3 : 1) << " s\n";
  }
  phase_.clear();
}

void Progress::finish() {
  if (redraw_ || lines_) end_phase();
}

}  // namespace analyzer
