// JDK Flight Recorder's events of the heap, as `jfr print --json` writes them (JDK 11 and later): samples of
// allocations, old objects with what holds them, heap sizes at collections, resident set sizes. Other events are passed
// over.
//
// Source: the event types of jdk.jfr (`jfr metadata`), and what jdk.jfr.internal.tool.JSONWriter prints of them:
// {"recording": {"events": [{"type": …, "values": {…}}, …]}}, one value a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/json_reader.h"

namespace formats::jfr_json {

[[nodiscard]] bool looks_like(Bytes head);

enum class Kind : std::uint8_t {
  allocation_sample,        ///< jdk.ObjectAllocationSample: weight
  allocation_in_new_tlab,   ///< jdk.ObjectAllocationInNewTLAB: size of the object, and of the buffer it began
  allocation_outside_tlab,  ///< jdk.ObjectAllocationOutsideTLAB: size of the object
  old_object,               ///< jdk.OldObjectSample
  heap_summary,             ///< jdk.GCHeapSummary: used bytes before or after a collection
  resident_set,             ///< jdk.ResidentSetSize
};

struct Frame {
  std::string type;    ///< "java.util.HashMap"
  std::string method;  ///< "resize"
  std::int32_t line = 0;
  bool is_inlined = false;
};

/// A step from an old object to what holds it.
struct Holder {
  std::string type;   ///< of the holder; of a java.lang.Class object, the class that it is
  std::string field;  ///< "table"; "[5]": the element of an array
  bool is_static = false;
};

/// Views of nothing: an event may be kept. -1 = the event does not say.
struct Event {
  Kind kind = Kind::allocation_sample;
  std::uint64_t offset = 0;
  double time = -1;           ///< Unix time, seconds
  std::vector<Frame> frames;  ///< innermost first
  bool is_truncated = false;  ///< there were more frames
  std::string type;           ///< of the object, as in Java's source: "byte[]"
  std::int64_t bytes = -1;    ///< weight, size, used bytes or resident bytes
  std::int64_t buffer_bytes = -1;
  std::int64_t elements = -1;   ///< of an old object that is an array
  double age = -1;              ///< of an old object, seconds
  std::vector<Holder> holders;  ///< of an old object, the nearest first; empty when it was not looked for, or is a root
  std::string root;             ///< "Stack Variable", "Class Loader Data"; what JFR calls the root's system and type
  bool is_after_collection = false;
};

/// Linear time; memory of one event. Damage is an event that cannot be read, or the file's end within one.
class Reader {
 public:
  Reader(Bytes file, DamageLog& damage);
  /// The next event of the kinds above.
  bool next(Event& event);
  /// Events of every kind so far.
  [[nodiscard]] std::uint64_t event_count() const { return event_count_; }

 private:
  enum class Outcome : std::uint8_t { read, other, broken };

  Outcome read_event(Event& event);
  bool read_values(Event& event);
  void take(std::string_view value, Event& event);
  void take_of_frame(std::string_view parent, std::string_view key, std::string_view value, Event& event);
  void take_of_object(std::string_view parent, std::string_view key, std::string_view value, Event& event);
  bool recover(std::uint64_t from);

  std::string_view text_;
  JsonReader json_;
  DamageLog& damage_;
  std::vector<std::string_view> open_;  // keys of the objects and arrays around, the event's values first
  std::string_view key_;
  std::uint64_t event_count_ = 0;
  std::uint64_t type_at_ = 0;  // of the event that is being read
  bool is_at_type_ = false;    // the event's "{" is behind already
};

/// "[Ljava/lang/String;" → "java.lang.String[]", "java/util/Map$Entry" → "java.util.Map$Entry".
[[nodiscard]] std::string source_name(std::string_view descriptor);

}  // namespace formats::jfr_json
