#include "formats/dhat.h"

#include <optional>

#include "formats/json_reader.h"
#include "formats/text_lines.h"

namespace formats::dhat {
namespace {

/// A block of which DHAT counts accesses is at most 25,600 bytes (user requests; 1,024 without).
constexpr std::uint32_t longest_histogram = 25'600;
constexpr std::size_t most_items = 0xFFFF'FFF0u;  // of a 32-bit index

struct PointField {
  std::string_view key;
  std::int64_t Point::*value;
};
constexpr PointField point_fields[] = {
    {"tb", &Point::total_bytes},  {"tbk", &Point::total_blocks}, {"tl", &Point::lifetimes},
    {"mb", &Point::max_bytes},    {"mbk", &Point::max_blocks},   {"gb", &Point::peak_bytes},
    {"gbk", &Point::peak_blocks}, {"eb", &Point::end_bytes},     {"ebk", &Point::end_blocks},
    {"rb", &Point::read_bytes},   {"wb", &Point::written_bytes},
};

struct HeaderText {
  std::string_view key;
  std::string Header::*value;
};
constexpr HeaderText header_texts[] = {
    {"mode", &Header::mode},        {"verb", &Header::verb},    {"bu", &Header::unit},
    {"bksu", &Header::blocks_unit}, {"tu", &Header::time_unit}, {"cmd", &Header::command},
};
struct HeaderNumber {
  std::string_view key;
  std::int64_t Header::*value;
};
constexpr HeaderNumber header_numbers[] = {
    {"dhatFileVersion", &Header::version},
    {"tuth", &Header::short_lived_below},
    {"pid", &Header::process_id},
    {"te", &Header::end_time},
    {"tg", &Header::peak_time},
};

class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : text_(as_text(bytes)), json_(bytes), damage_(damage) {}

  Profile read(bool header_only) {
    while (json_.next()) {
      if (json_.token() == JsonToken::key && is_list(json_.text())) {
        if (header_only) return std::move(profile_);
        read_list(json_.text());
      } else if (json_.token() == JsonToken::key) {
        if (!read_header_field(json_.text())) break;
      }
    }
    if (!header_only) finish();
    return std::move(profile_);
  }

 private:
  static bool is_list(std::string_view key) { return key == "pps" || key == "ftbl"; }

  bool read_header_field(std::string_view key) {
    const std::uint64_t at = json_.offset();
    if (!json_.skip_value()) return false;
    const std::string_view value = json_.text();
    Header& header = profile_.header;
    if (key == "bklt") header.has_lifetimes = value == "true";
    if (key == "bkacc") header.has_accesses = value == "true";
    for (const HeaderText& row : header_texts) {
      if (row.key == key && json_.token() == JsonToken::string) header.*row.value = unescape_json(value);
    }
    for (const HeaderNumber& row : header_numbers) {
      if (row.key != key) continue;
      const auto number = parse_number<std::int64_t>(value);
      if (number && *number >= 0)
        header.*row.value = *number;
      else
        damage_.add(at, json_.next_offset() - at, "a number of the header");
    }
    return true;
  }

  void read_list(std::string_view key) {
    if (!json_.next() || json_.token() != JsonToken::begin_array) return;
    const bool is_points = key == "pps";
    (is_points ? seen_points_ : seen_frames_) = true;
    while (true) {
      const std::uint64_t before = json_.next_offset();
      if (json_.next()) {
        if (json_.token() == JsonToken::end_array) {
          (is_points ? ended_points_ : ended_frames_) = true;
          return;
        }
        if (is_points ? read_point() : read_frame()) continue;
      }
      if (!recover(std::max(before, json_.offset()), is_points)) return;
    }
  }

  bool read_frame() {
    if (json_.token() != JsonToken::string || profile_.frame_table.size() > most_items) return false;
    profile_.frame_table.push_back(unescape_json(json_.text()));
    return true;
  }

  bool read_point() {
    if (json_.token() != JsonToken::begin_object) return false;
    Point point;
    point.first_run = static_cast<std::uint32_t>(profile_.runs.size());
    point.first_frame = static_cast<std::uint32_t>(profile_.path_frames.size());
    bool ok = true;
    while (ok && json_.next() && json_.token() == JsonToken::key) ok = read_point_field(json_.text(), point);
    if (ok && json_.token() == JsonToken::end_object && point.total_bytes != absent && point.total_blocks != absent) {
      profile_.points.push_back(point);
      return true;
    }
    profile_.runs.resize(point.first_run);
    profile_.path_frames.resize(point.first_frame);
    return false;
  }

  bool read_point_field(std::string_view key, Point& point) {
    if (key == "fs") return read_path(point);
    if (key == "acc") return read_histogram(point);
    if (!json_.skip_value()) return false;
    for (const PointField& field : point_fields) {
      if (field.key != key) continue;
      const auto number = parse_number<std::int64_t>(json_.text());
      if (!number || *number < 0) return false;
      point.*field.value = *number;
    }
    return true;
  }

  bool read_path(Point& point) {
    if (!json_.next() || json_.token() != JsonToken::begin_array) return false;
    while (json_.next() && json_.token() == JsonToken::number) {
      const auto frame = parse_number<std::uint32_t>(json_.text());
      if (!frame || profile_.path_frames.size() > most_items) return false;
      profile_.path_frames.push_back(*frame);
      ++point.frame_count;
    }
    return json_.token() == JsonToken::end_array;
  }

  /// "-N, value": the value N times; a value alone: once.
  bool read_histogram(Point& point) {
    if (!json_.next() || json_.token() != JsonToken::begin_array) return false;
    std::uint32_t length = 0;
    std::uint32_t count = 1;
    while (json_.next() && json_.token() == JsonToken::number) {
      const auto value = parse_number<std::int64_t>(json_.text());
      if (!value || *value < -std::int64_t{longest_histogram}) return false;
      if (*value < 0) {
        count = static_cast<std::uint32_t>(-*value);
        continue;
      }
      if (count > longest_histogram - length) return false;
      length += count;
      profile_.runs.push_back({count, *value});
      ++point.run_count;
      count = 1;
    }
    return json_.token() == JsonToken::end_array;
  }

  /// Behind something unreadable: on at the next point of the list (or frame), or at the table of frames; else the list
  /// ends. What is passed over is damage.
  bool recover(std::uint64_t from, bool is_points) {
    const std::size_t at = static_cast<std::size_t>(std::min<std::uint64_t>(from, text_.size()));
    std::size_t next = std::min(text_.find(is_points ? "{\"tb\":" : ",\"0x", at), text_.size());
    if (is_points && next == at) next = std::min(text_.find("{\"tb\":", at + 1), text_.size());
    const bool goes_on = next < text_.size();
    if (is_points && !goes_on) {
      next = std::min(text_.find("\"ftbl\"", at), text_.size());
    }
    damage_.add(at, next - at, is_points ? "a program point that cannot be read" : "a frame that cannot be read");
    if (!is_points && goes_on) profile_.frame_table.emplace_back();    // the others keep their numbers
    if (!goes_on) (is_points ? ended_points_ : ended_frames_) = true;  // said already
    json_.seek(next);
    return goes_on;
  }

  void finish() {
    if (json_.is_broken()) {
      damage_.add(json_.offset(), text_.size() - json_.offset(), "no JSON from here on");
    } else if (!seen_points_ || !seen_frames_ || !ended_points_ || !ended_frames_) {
      damage_.add(text_.size(), 0, "the profile breaks off");
    }
  }

  std::string_view text_;
  JsonReader json_;
  DamageLog& damage_;
  Profile profile_;
  bool seen_points_ = false, seen_frames_ = false;
  bool ended_points_ = false, ended_frames_ = false;
};

}  // namespace

bool looks_like(Bytes head) {
  JsonReader json(head);
  return json.next() && json.token() == JsonToken::begin_object && json.next() && json.token() == JsonToken::key &&
         json.text() == "dhatFileVersion";
}

Profile read_profile(Bytes bytes, DamageLog& damage) { return Reader(bytes, damage).read(false); }

Header read_header(Bytes head) {
  DamageLog ignored;
  return Reader(head, ignored).read(true).header;
}

}  // namespace formats::dhat
