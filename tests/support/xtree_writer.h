// Writes Valgrind's xtrees in callgrind's format for tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tests {

class XtreeWriter {
 public:
  struct Frame {
    std::string function, file;
    int line;
  };
  explicit XtreeWriter(const std::vector<std::string>& events) : sums_(events.size()) {
    text_ = "# callgrind format\nversion: 1\ncreator: xtree-1\npid: 14\ncmd: ./server 5000\n\npositions: line\n";
    for (const std::string& event : events) text_ += "event: " + event + " : what it counts\n";
    text_ += "events:";
    for (const std::string& event : events) text_ += " " + event + " ";
    text_ += "\n";
  }
  /// Outermost first.
  XtreeWriter& path(const std::vector<Frame>& frames, const std::vector<std::uint64_t>& values) {
    std::string costs;
    for (std::size_t i = 0; i < values.size(); ++i) {
      costs += " " + std::to_string(values[i]);
      sums_[i] += values[i];
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
      text_ += "fl=" + name(files_, frames[i].file) + "\nfn=" + name(functions_, frames[i].function) + "\n" +
               std::to_string(frames[i].line) + (i + 1 == frames.size() ? costs : "") + "\n";
      if (i + 1 == frames.size()) break;
      text_ += "cfi=" + name(files_, frames[i + 1].file) + "\ncfn=" + name(functions_, frames[i + 1].function) +
               "\ncalls=0 " + std::to_string(frames[i + 1].line) + "\n" + std::to_string(frames[i].line) + costs + "\n";
    }
    text_ += "\n";
    return *this;
  }
  [[nodiscard]] std::string bytes() const {
    std::string text = text_ + "totals:";
    for (const std::uint64_t sum : sums_) text += " " + std::to_string(sum);
    return text + "\n";
  }

 private:
  static std::string name(std::map<std::string, int>& names, const std::string& text) {
    const auto [found, is_new] = names.try_emplace(text, static_cast<int>(names.size()) + 1);
    const std::string number = "(" + std::to_string(found->second) + ")";
    return is_new ? number + " " + text : number;
  }
  std::string text_;
  std::vector<std::uint64_t> sums_;
  std::map<std::string, int> files_, functions_;
};

}  // namespace tests
