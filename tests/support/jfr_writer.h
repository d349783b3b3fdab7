// Events as `jfr print --json` lays them out, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

class JfrWriter {
 public:
  struct Frame {
    std::string_view type, method;  ///< "SessionLeak$Session" with '/' for packages
    int line = 0;
    std::string_view kind = "Interpreted";
  };

  /// jdk.ObjectAllocationSample.
  JfrWriter& allocation(std::string_view type, std::int64_t weight, const std::vector<Frame>& innermost_first,
                        std::string_view time = "2026-11-27T21:13:35.5Z") {
    return event("jdk.ObjectAllocationSample", time,
                 stack(innermost_first) + ", " + object_class(type) + ", \"weight\": " + std::to_string(weight));
  }
  JfrWriter& in_new_tlab(std::string_view type, std::int64_t size, std::int64_t buffer,
                         const std::vector<Frame>& innermost_first) {
    return event("jdk.ObjectAllocationInNewTLAB", "2026-11-27T21:13:36Z",
                 stack(innermost_first) + ", " + object_class(type) + ", \"allocationSize\": " + std::to_string(size) +
                     ", \"tlabSize\": " + std::to_string(buffer));
  }
  /// `chain`: the JSON of "referrer".
  JfrWriter& old_object(std::string_view type, std::int64_t elements, const std::vector<Frame>& innermost_first,
                        std::string_view chain, std::string_view more = "") {
    return event("jdk.OldObjectSample", "2026-11-27T21:13:37Z",
                 stack(innermost_first) +
                     ", \"objectAge\": \"PT1M2.5S\", \"object\": {\"address\": 4032, \"type\": {\"name\": \"" +
                     std::string(type) + "\"}, \"description\": null, \"referrer\": " + std::string(chain) +
                     "}, \"arrayElements\": " + std::to_string(elements) + std::string(more) +
                     ", \"root\": {\"description\": null, \"system\": \"Class Loader Data\", \"type\": \"<unknown>\"}");
  }
  JfrWriter& heap_summary(std::string_view when, std::int64_t used, std::string_view time) {
    return event("jdk.GCHeapSummary", time,
                 "\"gcId\": 1, \"when\": \"" + std::string(when) +
                     "\", \"heapSpace\": {\"start\": 1, \"committedSize\": 2}, \"heapUsed\": " + std::to_string(used));
  }
  JfrWriter& event(std::string_view type, std::string_view time, const std::string& values) {
    if (!events_.empty()) events_ += ", ";
    events_ += "{\n      \"type\": \"" + std::string(type) + "\", \n      \"values\": {\n        \"startTime\": \"" +
               std::string(time) + "\", \n        " + values + "\n      }\n    }";
    return *this;
  }
  [[nodiscard]] std::string text() const {
    return "{\n  \"recording\": {\n    \"events\": [" + events_ + "]\n  }\n}\n";
  }

  /// Held by SessionLeak.SESSIONS, a static field, through a HashMap's table.
  static std::string held_by_a_static_map() {
    return R"({"array": null, "field": {"name": "table", "modifiers": 2240}, "object": {"address": 1, "type": )"
           R"({"classLoader": {"type": null, "name": "bootstrap"}, "name": "java\/util\/HashMap"}, "description": null, )"
           R"("referrer": {"array": null, "field": {"name": "SESSIONS", "modifiers": 24}, "object": {"address": 2, )"
           R"("type": {"name": "java\/lang\/Class"}, "description": "Class Name: SessionLeak", "referrer": null}, )"
           R"("skip": 0}}, "skip": 0})";
  }

 private:
  static std::string object_class(std::string_view type) {
    return "\"objectClass\": {\"classLoader\": null, \"name\": \"" + std::string(type) + "\"}";
  }
  static std::string stack(const std::vector<Frame>& frames) {
    std::string text;
    for (const Frame& frame : frames) {
      text += (text.empty() ? "" : ", ");
      text += "{\"method\": {\"type\": {\"classLoader\": {\"type\": null, \"name\": \"app\"}, \"name\": \"" +
              std::string(frame.type) + "\"}, \"name\": \"" + std::string(frame.method) +
              "\", \"descriptor\": \"()V\"}, \"lineNumber\": " + std::to_string(frame.line) +
              ", \"bytecodeIndex\": 1, \"type\": \"" + std::string(frame.kind) + "\"}";
    }
    return "\"stackTrace\": {\"truncated\": false, \"frames\": [" + text + "]}";
  }

  std::string events_;
};

}  // namespace tests
