// Writes DHAT's version 2 for tests, in Valgrind's layout. What is negative is left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tests {

class DhatWriter {
 public:
  struct Options {
    std::string version = "2", mode = "heap", verb = "Allocated", time_unit = "instrs", extra{};
    bool lifetimes = true, accesses = true;
  };
  struct Point {
    std::int64_t total_bytes = 0, total_blocks = 0, lifetimes = -1, max_bytes = -1, max_blocks = -1, peak_bytes = -1,
                 peak_blocks = -1, end_bytes = -1, end_blocks = -1, read_bytes = -1, written_bytes = -1;
    std::string histogram{};    ///< "-8,2,-4,0"
    std::vector<int> frames{};  ///< innermost first
  };

  DhatWriter() : DhatWriter(Options{}) {}
  explicit DhatWriter(const Options& options) {
    const auto word = [](bool value) { return value ? "true" : "false"; };
    text_ = "{\"dhatFileVersion\":" + options.version + "\n";
    if (!options.mode.empty()) text_ += ",\"mode\":\"" + options.mode + "\",\"verb\":\"" + options.verb + "\"\n";
    text_ += std::string(",\"bklt\":") + word(options.lifetimes) + ",\"bkacc\":" + word(options.accesses) + "\n";
    text_ += options.extra + ",\"tu\":\"" + options.time_unit + "\",\"Mtu\":\"Minstr\"\n,\"tuth\":500\n";
    text_ += ",\"cmd\":\"./server 20\",\"pid\":12\n,\"te\":2000000\n,\"tg\":1500\n,\"pps\":\n [";
  }
  DhatWriter& point(const Point& point) {
    text_ += std::string(count_++ == 0 ? "" : "\n ,") + "{\"tb\":" + std::to_string(point.total_bytes) +
             ",\"tbk\":" + std::to_string(point.total_blocks);
    const auto put = [&](const char* key, std::int64_t value) {
      if (value >= 0) text_ += std::string(",\"") + key + "\":" + std::to_string(value);
    };
    put("tl", point.lifetimes);
    put("mb", point.max_bytes);
    put("mbk", point.max_blocks);
    put("gb", point.peak_bytes);
    put("gbk", point.peak_blocks);
    put("eb", point.end_bytes);
    put("ebk", point.end_blocks);
    put("rb", point.read_bytes);
    put("wb", point.written_bytes);
    if (!point.histogram.empty()) text_ += "\n  ,\"acc\":[" + point.histogram + "]";
    text_ += "\n  ,\"fs\":[";
    for (std::size_t i = 0; i < point.frames.size(); ++i) {
      text_ += (i == 0 ? "" : ",") + std::to_string(point.frames[i]);
    }
    text_ += "]\n  }";
    return *this;
  }
  /// The whole file with this table of frames behind "[root]".
  [[nodiscard]] std::string bytes(const std::vector<std::string>& frames) const {
    std::string text = text_ + "\n ]\n,\"ftbl\":\n [\"[root]\"";
    for (const std::string& frame : frames) text += "\n ,\"" + frame + "\"";
    return text + "\n ]\n}\n";
  }

 private:
  std::string text_;
  int count_ = 0;
};

}  // namespace tests
