#include "formats/jfr_json.h"

#include <algorithm>
#include <array>
#include <optional>

#include "formats/text_lines.h"
#include "formats/timestamps.h"

namespace formats::jfr_json {
namespace {

constexpr std::size_t deepest = 4096;       // open objects: chains of holders nest, JFR cuts them at some hundreds
constexpr std::size_t most_frames = 2048;   // JFR's option stackdepth
constexpr std::size_t most_holders = 1000;  // of a chain

struct KindName {
  std::string_view name;
  Kind kind;
};
constexpr std::array<KindName, 6> kind_names{{
    {"jdk.ObjectAllocationSample", Kind::allocation_sample},
    {"jdk.ObjectAllocationInNewTLAB", Kind::allocation_in_new_tlab},
    {"jdk.ObjectAllocationOutsideTLAB", Kind::allocation_outside_tlab},
    {"jdk.OldObjectSample", Kind::old_object},
    {"jdk.GCHeapSummary", Kind::heap_summary},
    {"jdk.ResidentSetSize", Kind::resident_set},
}};

std::optional<Kind> kind_of(std::string_view name) {
  for (const KindName& row : kind_names) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

/// "PT1H2M0.495331298S", in seconds.
double duration(std::string_view text) {
  double seconds = 0;
  const std::size_t time = text.find('T');
  if (!text.starts_with('P') || time == std::string_view::npos) return -1;
  if (time > 1) {
    if (text[time - 1] != 'D') return -1;
    const auto days = parse_number<double>(text.substr(1, time - 2));
    if (!days) return -1;
    seconds = *days * 86'400;
  }
  for (text.remove_prefix(time + 1); !text.empty();) {
    const std::size_t unit = text.find_first_of("HMS");
    if (unit == std::string_view::npos) return -1;
    const auto number = parse_number<double>(text.substr(0, unit));
    if (!number) return -1;
    seconds += *number * (text[unit] == 'H' ? 3600 : text[unit] == 'M' ? 60 : 1);
    text.remove_prefix(unit + 1);
  }
  return seconds >= 0 ? seconds : -1;
}

/// What of an event is passed over: most of the text.
bool is_of_no_use(std::string_view key, std::size_t depth) {
  return key == "classLoader" || key == "package" || (depth == 1 && (key == "eventThread" || key == "heapSpace"));
}

constexpr std::string_view class_text = "Class Name: ";  // how JFR describes an object of java.lang.Class

}  // namespace

std::string source_name(std::string_view descriptor) {
  std::size_t dimensions = 0;
  while (dimensions < descriptor.size() && descriptor[dimensions] == '[') ++dimensions;
  std::string_view element = descriptor.substr(dimensions);
  std::string name;
  if (dimensions != 0 && element.starts_with('L')) {
    element.remove_prefix(1);
    if (element.ends_with(';')) element.remove_suffix(1);
  } else if (dimensions != 0 && element.size() == 1) {
    constexpr std::string_view letters = "BCDFIJSZ";
    constexpr std::array<std::string_view, 8> words{"byte", "char", "double", "float",
                                                    "int",  "long", "short",  "boolean"};
    if (const std::size_t at = letters.find(element[0]); at != std::string_view::npos) name = words[at];
  }
  if (name.empty()) {
    name = element;
    for (char& letter : name) letter = letter == '/' ? '.' : letter;
  }
  for (; dimensions > 0; --dimensions) name += "[]";
  return name;
}

bool looks_like(Bytes head) {
  JsonReader json(head);
  return json.next() && json.token() == JsonToken::begin_object && json.next() && json.token() == JsonToken::key &&
         json.text() == "recording" && json.next() && json.token() == JsonToken::begin_object && json.next() &&
         json.token() == JsonToken::key && json.text() == "events";
}

Reader::Reader(Bytes file, DamageLog& damage) : text_(as_text(file)), json_(file), damage_(damage) {
  for (int i = 0; i < 5 && json_.next();) ++i;  // { "recording" { "events" [
}

bool Reader::next(Event& event) {
  while (true) {
    const std::uint64_t from = json_.next_offset();
    if (!is_at_type_ && (!json_.next() || json_.token() == JsonToken::end_array)) {
      if (!json_.is_broken()) {
        if (json_.token() != JsonToken::end_array) damage_.add(text_.size(), 0, "the recording breaks off");
        json_.seek(text_.size());
        return false;
      }
      if (recover(from)) continue;
      return false;
    }
    if (is_at_type_ || json_.token() == JsonToken::begin_object) {
      const std::uint64_t begin = is_at_type_ ? from : json_.offset();
      is_at_type_ = false;
      event = {};
      event.offset = begin;
      const Outcome outcome = read_event(event);
      if (outcome == Outcome::read) return true;
      if (outcome == Outcome::other) continue;
      if (!recover(begin)) return false;
    } else if (!recover(json_.offset())) {
      return false;
    }
  }
}

/// Behind its "{", up to behind its "}".
Reader::Outcome Reader::read_event(Event& event) {
  type_at_ = 0;
  if (!json_.next() || json_.token() != JsonToken::key || json_.text() != "type") return Outcome::broken;
  type_at_ = json_.offset();
  if (!json_.next() || json_.token() != JsonToken::string) return Outcome::broken;
  const std::optional<Kind> kind = kind_of(json_.text());
  if (!json_.next() || json_.token() != JsonToken::key || json_.text() != "values") return Outcome::broken;
  if (!json_.next() || json_.token() != JsonToken::begin_object) return Outcome::broken;
  if (kind) event.kind = *kind;
  if (!(kind ? read_values(event) : json_.skip_container())) return Outcome::broken;
  if (!json_.next() || json_.token() != JsonToken::end_object) return Outcome::broken;
  ++event_count_;
  return kind ? Outcome::read : Outcome::other;
}

/// Every value with the keys around it.
bool Reader::read_values(Event& event) {
  open_.assign(1, "values");
  key_ = {};
  while (json_.next()) {
    switch (json_.token()) {
      case JsonToken::key:
        key_ = json_.text();
        if (is_of_no_use(key_, open_.size()) && !json_.skip_value()) return false;
        break;
      case JsonToken::begin_object:
      case JsonToken::begin_array:
        if (open_.size() == deepest) return false;
        if (open_.back() == "frames" && json_.token() == JsonToken::begin_object && event.frames.size() < most_frames) {
          event.frames.emplace_back();
        }
        if (key_ == "referrer" && event.kind == Kind::old_object && event.holders.size() < most_holders) {
          event.holders.emplace_back();
        }
        open_.push_back(key_);
        key_ = {};  // elements of an array have none
        break;
      case JsonToken::end_object:
      case JsonToken::end_array:
        open_.pop_back();
        key_ = {};
        if (open_.empty()) return true;
        break;
      case JsonToken::string:
      case JsonToken::number:
      case JsonToken::word: take(json_.text(), event); break;
      case JsonToken::end: return false;
    }
  }
  return false;
}

void Reader::take(std::string_view value, Event& event) {
  const std::string_view parent = open_.back();
  const std::string_view of = open_.size() > 1 ? open_[1] : std::string_view();
  const auto number = [&] { return parse_number<std::int64_t>(value).value_or(-1); };
  if (of == "stackTrace") return take_of_frame(parent, key_, value, event);
  if (of == "object") return take_of_object(parent, key_, value, event);
  if (of == "objectClass" && open_.size() == 2 && key_ == "name") {
    event.type = source_name(unescape_json(value));
  } else if (of == "root" && open_.size() == 2 && (key_ == "system" || key_ == "type")) {
    if (value == "null" || value.starts_with('<')) return;
    event.root += (event.root.empty() ? "" : ", ") + unescape_json(value);
  }
  if (open_.size() != 1) return;
  if (key_ == "startTime") {
    if (const auto time = parse_timestamp(value); time && time->kind == Timestamp::Kind::unix_time) {
      event.time = time->seconds;
    }
  } else if (key_ == "objectAge") {
    event.age = duration(value);
  } else if (key_ == "weight" || key_ == "allocationSize" || key_ == "objectSize" || key_ == "heapUsed" ||
             (key_ == "size" && event.kind == Kind::resident_set)) {
    event.bytes = number();
  } else if (key_ == "tlabSize") {
    event.buffer_bytes = number();
  } else if (key_ == "arrayElements") {
    event.elements = number();
  } else if (key_ == "when") {
    event.is_after_collection = value == "After GC";
  }
}

void Reader::take_of_frame(std::string_view parent, std::string_view key, std::string_view value, Event& event) {
  if (parent == "stackTrace" && key == "truncated") event.is_truncated = value == "true";
  if (event.frames.empty()) return;
  Frame& frame = event.frames.back();
  if (parent == "type" && key == "name") {
    frame.type = source_name(unescape_json(value));
  } else if (parent == "method" && key == "name") {
    frame.method = unescape_json(value);
  } else if (key == "lineNumber") {
    const auto line = parse_number<std::int32_t>(value);
    frame.line = line && *line > 0 ? *line : 0;
  } else if (key == "type" && parent != "method") {
    frame.is_inlined = value == "Inlined";
  }
}

/// "object": {"type": {"name"}, "referrer": {"field": {"name"}, "object": {"type": {"name"}, "referrer": …}}}.
void Reader::take_of_object(std::string_view parent, std::string_view key, std::string_view value, Event& event) {
  if (parent == "type" && key == "name") {
    (event.holders.empty() ? event.type : event.holders.back().type) = source_name(unescape_json(value));
    return;
  }
  if (event.holders.empty()) return;
  Holder& holder = event.holders.back();
  if (parent == "field" && key == "name") {
    holder.field = unescape_json(value);
  } else if (parent == "field" && key == "modifiers") {
    holder.is_static = (parse_number<std::int64_t>(value).value_or(0) & 8) != 0;  // java.lang.reflect.Modifier.STATIC
  } else if (parent == "array" && key == "index") {
    holder.field = "[" + unescape_json(value) + "]";
  } else if (parent == "object" && key == "description" && value.starts_with(class_text)) {
    holder.type = unescape_json(value.substr(class_text.size()));
  }
}

/// Goes on at the next event that begins behind `from`; what lies between is damage. False at the end.
bool Reader::recover(std::uint64_t from) {
  constexpr std::string_view type_key = "\"type\"";
  const auto begin = static_cast<std::size_t>(from);
  const std::size_t first = std::max(begin, static_cast<std::size_t>(type_at_)) + 1;  // not the same event again
  for (std::size_t at = first; (at = text_.find(type_key, at)) != std::string_view::npos; at += type_key.size()) {
    json_.seek(at);
    const bool is_event = json_.next() && json_.token() == JsonToken::key && json_.next() &&
                          json_.token() == JsonToken::string && json_.next() && json_.token() == JsonToken::key &&
                          json_.text() == "values";
    if (!is_event) continue;
    damage_.add(begin, at - begin, "events that cannot be read");
    json_.seek(at);
    is_at_type_ = true;
    return true;
  }
  damage_.add(begin, text_.size() - begin, "the recording breaks off in an event");
  json_.seek(text_.size());
  return false;
}

}  // namespace formats::jfr_json
