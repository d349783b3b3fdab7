// Writes profile.proto messages for tests. Ids count from 1 unless a test says otherwise; texts are shared.
//
//   tests::PprofWriter profile;
//   profile.sample_type("inuse_space", "bytes");
//   const auto leak = profile.location({{profile.function("leak", "a.go"), 7}});
//   profile.sample({leak}, {4096}, {{"bytes", 4096}});
//   const std::string bytes = profile.bytes();
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tests {

/// One protobuf message.
class ProtobufWriter {
 public:
  static void append_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
  }
  ProtobufWriter& number(unsigned field, std::uint64_t value) {
    append_varint(bytes_, field << 3);
    append_varint(bytes_, value);
    return *this;
  }
  ProtobufWriter& text(unsigned field, std::string_view value) {
    append_varint(bytes_, (field << 3) | 2);
    append_varint(bytes_, value.size());
    bytes_ += value;
    return *this;
  }
  template <typename Numbers>
  ProtobufWriter& packed(unsigned field, const Numbers& values) {
    std::string body;
    for (const auto value : values) append_varint(body, static_cast<std::uint64_t>(value));
    return text(field, body);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class PprofWriter {
 public:
  using Line = std::pair<std::uint64_t, std::int64_t>;            ///< (function id, line)
  using NumberLabel = std::pair<std::string_view, std::int64_t>;  ///< (key, number)

  bool packed = true;          ///< repeated numbers in one field, as proto3 does, or one by one
  std::uint64_t first_id = 1;  ///< of locations, functions, mappings; step 1 …
  std::uint64_t id_step = 1;   ///< … or sparse

  std::uint64_t text(std::string_view value) {
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (texts_[i] == value) return i;
    }
    texts_.emplace_back(value);
    return texts_.size() - 1;
  }
  PprofWriter& sample_type(std::string_view type, std::string_view unit) {
    body_.text(1, value_type(type, unit));
    return *this;
  }
  PprofWriter& period(std::string_view type, std::string_view unit, std::uint64_t value) {
    body_.text(11, value_type(type, unit)).number(12, value);
    return *this;
  }
  PprofWriter& time(std::uint64_t nanoseconds) {
    body_.number(9, nanoseconds);
    return *this;
  }
  PprofWriter& duration(std::uint64_t nanoseconds) {
    body_.number(10, nanoseconds);
    return *this;
  }
  PprofWriter& comment(std::string_view value) {
    body_.packed(13, std::vector<std::uint64_t>{text(value)});
    return *this;
  }
  PprofWriter& default_sample_type(std::string_view value) {
    body_.number(14, text(value));
    return *this;
  }
  std::uint64_t mapping(std::string_view filename, std::uint64_t start = 0x400000, std::uint64_t limit = 0x500000,
                        std::uint64_t offset = 0, std::string_view build_id = "") {
    const std::uint64_t id = first_id + id_step * mappings_++;
    ProtobufWriter mapping;
    mapping.number(1, id).number(2, start).number(3, limit).number(4, offset).number(5, text(filename));
    if (!build_id.empty()) mapping.number(6, text(build_id));
    body_.text(3, mapping.bytes());
    return id;
  }
  std::uint64_t function(std::string_view name, std::string_view filename = "") {
    const std::uint64_t id = first_id + id_step * functions_++;
    body_.text(5, ProtobufWriter().number(1, id).number(2, text(name)).number(4, text(filename)).bytes());
    return id;
  }
  std::uint64_t location(std::initializer_list<Line> lines, std::uint64_t address = 0, std::uint64_t mapping = 0) {
    const std::uint64_t id = first_id + id_step * locations_++;
    ProtobufWriter location;
    location.number(1, id);
    if (mapping != 0) location.number(2, mapping);
    if (address != 0) location.number(3, address);
    for (const Line& line : lines) {
      location.text(4,
                    ProtobufWriter().number(1, line.first).number(2, static_cast<std::uint64_t>(line.second)).bytes());
    }
    body_.text(4, location.bytes());
    return id;
  }
  PprofWriter& sample(const std::vector<std::uint64_t>& locations, const std::vector<std::int64_t>& values,
                      std::initializer_list<NumberLabel> labels = {}) {
    ProtobufWriter sample;
    if (packed) {
      sample.packed(1, locations).packed(2, values);
    } else {
      for (const std::uint64_t id : locations) sample.number(1, id);
      for (const std::int64_t value : values) sample.number(2, static_cast<std::uint64_t>(value));
    }
    for (const NumberLabel& label : labels) {
      sample.text(
          3, ProtobufWriter().number(1, text(label.first)).number(3, static_cast<std::uint64_t>(label.second)).bytes());
    }
    body_.text(2, sample.bytes());
    return *this;
  }
  /// Fields of no version yet.
  PprofWriter& unknown_field(unsigned field, std::uint64_t value) {
    body_.number(field, value);
    return *this;
  }
  /// Without the texts, which come last, as in a profile that Go was writing when it died.
  [[nodiscard]] const std::string& bytes_without_texts() const { return body_.bytes(); }
  [[nodiscard]] std::string bytes() const {
    ProtobufWriter all;
    for (const std::string& text : texts_) all.text(6, text);
    return body_.bytes() + all.bytes();
  }

 private:
  std::string value_type(std::string_view type, std::string_view unit) {
    return ProtobufWriter().number(1, text(type)).number(2, text(unit)).bytes();
  }
  ProtobufWriter body_;
  std::vector<std::string> texts_{""};
  std::uint64_t mappings_ = 0, functions_ = 0, locations_ = 0;
};

}  // namespace tests
