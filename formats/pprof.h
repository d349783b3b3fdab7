// pprof's profile.proto: what Go, gperftools' converters, Rust's and Node's heap profilers write, usually gzipped.
// https://github.com/google/pprof/blob/main/proto/profile.proto
//
// A protobuf has no magic and no order of its parts: Go writes the text of all names last, so a profile that was cut
// has samples and numbers, but no names. Everything is O(bytes); 16 bytes of memory per sample and string, the samples
// themselves stay where they are.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::pprof {

/// Accepts what can only be a profile: a sample type, and no field before it that a profile has not.
[[nodiscard]] bool looks_like(Bytes head);

/// Numbers of texts (Profile::text). "inuse_space", "bytes".
struct ValueType {
  std::uint64_t type = 0;
  std::uint64_t unit = 0;
};

struct Mapping {
  std::uint64_t id = 0;
  std::uint64_t start = 0, limit = 0, offset = 0;
  std::uint64_t filename = 0, build_id = 0;  ///< texts
};

struct Function {
  std::uint64_t id = 0;
  std::uint64_t name = 0, system_name = 0, filename = 0;  ///< texts
};

struct Line {
  std::uint64_t function_id = 0;
  std::int64_t line = 0;
};

/// A place in the code. Its lines: several = inlined calls, innermost first, the last one is the function that is
/// there.
struct Location {
  std::uint64_t id = 0;
  std::uint64_t mapping_id = 0;
  std::uint64_t address = 0;
  std::size_t first_line = 0;  ///< index into Profile::lines
  std::size_t line_count = 0;
};

struct Label {
  std::uint64_t key = 0, text = 0;  ///< texts
  std::int64_t number = 0;
  std::uint64_t unit = 0;  ///< text
};

struct Sample {
  std::vector<std::uint64_t> location_ids;  ///< innermost first
  std::vector<std::int64_t> values;         ///< one for each of Profile::sample_types; negative in differences
  std::vector<Label> labels;
};
/// Fills `sample`, whose memory is used again; false = `body` is damaged.
[[nodiscard]] bool parse_sample(Bytes body, Sample& sample);

struct Profile {
  std::vector<ValueType> sample_types;
  std::vector<Bytes> samples;  ///< for parse_sample()
  std::vector<Mapping> mappings;
  std::vector<Location> locations;
  std::vector<Line> lines;
  std::vector<Function> functions;
  std::vector<std::string_view> texts;
  std::vector<std::uint64_t> comments;  ///< texts
  ValueType period_type;
  std::int64_t period = 0;
  std::int64_t time_nanos = 0;      ///< Unix time, 0 = not known
  std::int64_t duration_nanos = 0;  ///< 0 = not known
  std::uint64_t default_sample_type = 0;

  /// "" when there is no such text.
  [[nodiscard]] std::string_view text(std::uint64_t number) const {
    return number < texts.size() ? texts[static_cast<std::size_t>(number)] : std::string_view{};
  }
};

/// What is cut off or makes no sense is damage; the rest is kept. Ids are as in the file: arbitrary, perhaps absent.
[[nodiscard]] Profile read(Bytes file, DamageLog& damage);

}  // namespace formats::pprof
