// Writes tracemalloc snapshots for tests: the pickle that CPython's Snapshot.dump() makes, with its memo.
//
//   tests::TracemallocWriter snapshot(25);
//   snapshot.trace(0, 120, {{"app.py", 7}, {"main.py", 3}}, 2);      // most recent frame first
//   const std::string bytes = snapshot.bytes();
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tests {

class TracemallocWriter {
 public:
  using Frames = std::vector<std::pair<std::string, std::int64_t>>;

  explicit TracemallocWriter(unsigned limit, std::string_view module = "tracemalloc") : limit_(limit) {
    body_ += "\x80\x05";
    body_ += '\x95';  // a frame, whose size readers need not know
    body_.append(8, '\0');
    text("tracemalloc");
    text("Snapshot");
    body_ += "\x93\x94)\x81\x94}\x94(";
    text("traces");
    text(module);
    text("_Traces");
    body_ += "\x93\x94)\x81\x94}\x94";
    text("_traces");
    body_ += "]\x94(";
  }
  /// `depth` below 0: without it, as Python up to 3.8 writes.
  TracemallocWriter& trace(std::int64_t domain, std::int64_t size, const Frames& frames, std::int64_t depth = -1) {
    body_ += '(';
    number(domain);
    number(size);
    traceback(frames);
    if (depth >= 0) number(depth);
    body_ += 't';
    memoize();
    return *this;
  }
  /// The traces so far become the list's, as CPython does every 1000.
  TracemallocWriter& batch() {
    body_ += "e(";
    return *this;
  }
  TracemallocWriter& raw(std::string_view opcodes) {
    body_ += opcodes;
    return *this;
  }
  [[nodiscard]] std::string bytes() const {
    TracemallocWriter end = *this;
    end.body_ += "esb";
    end.text("traceback_limit");
    end.number(limit_);
    end.body_ += "ub.";
    return end.body_;
  }

 private:
  void memoize() {
    body_ += '\x94';
    ++memo_count_;
  }
  void get(std::size_t number) {
    if (number < 256) {
      body_ += 'h';
      body_ += static_cast<char>(number);
    } else {
      body_ += 'j';
      for (int shift = 0; shift < 32; shift += 8) body_ += static_cast<char>(number >> shift);
    }
  }
  void text(std::string_view value) {
    body_ += '\x8C';
    body_ += static_cast<char>(value.size());
    body_ += value;
    memoize();
  }
  void number(std::int64_t value) {
    if (value >= 0 && value < 256) {
      body_ += 'K';
      body_ += static_cast<char>(value);
    } else if (value >= 0 && value < 65536) {
      body_ += 'M';
      body_ += static_cast<char>(value);
      body_ += static_cast<char>(value >> 8);
    } else if (value == static_cast<std::int32_t>(value)) {
      body_ += 'J';
      for (int shift = 0; shift < 32; shift += 8) body_ += static_cast<char>(value >> shift);
    } else {
      body_ += "\x8A\x08";
      for (int shift = 0; shift < 64; shift += 8) body_ += static_cast<char>(value >> shift);
    }
  }
  void traceback(const Frames& frames) {
    if (const auto known = tracebacks_.find(frames); known != tracebacks_.end()) return get(known->second);
    if (frames.size() > 3) body_ += '(';
    for (const auto& [file, line] : frames) {
      if (const auto known = files_.find(file); known != files_.end()) {
        get(known->second);
      } else {
        files_[file] = fixed_memo_ + memo_count_;
        text(file);
      }
      number(line);
      body_ += '\x86';
      memoize();
    }
    if (frames.empty()) {
      body_ += ')';
      return;
    }
    body_ += frames.size() == 1 ? '\x85' : frames.size() == 2 ? '\x86' : frames.size() == 3 ? '\x87' : 't';
    tracebacks_[frames] = fixed_memo_ + memo_count_;
    memoize();
  }

  static constexpr std::size_t fixed_memo_ = 7;  // classes, objects, dictionaries and the list of the beginning
  unsigned limit_;
  std::string body_;
  std::size_t memo_count_ = 0;
  std::map<std::string, std::size_t> files_;
  std::map<Frames, std::size_t> tracebacks_;
};

/// Two places, one of which is hit three times, another domain, a batch in between.
inline std::string tracemalloc_snapshot() {
  TracemallocWriter snapshot(25);
  const TracemallocWriter::Frames leak{{"/srv/app.py", 7}, {"/srv/main.py", 300}};
  snapshot.trace(0, 120, leak, 2).trace(0, 70'000, leak, 2).batch();
  snapshot.trace(0, 5'000'000'000, leak, 2).trace(0, 64, {{"/srv/app.py", 9}}, 1);
  snapshot.trace(3, 16, {{"/a.py", 1}, {"/b.py", 2}, {"/c.py", 3}, {"/d.py", 4}, {"/e.py", 5}}, 9);
  return snapshot.bytes();
}

}  // namespace tests
