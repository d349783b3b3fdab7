// pprof's profile.proto (github.com/google/pprof, proto/profile.proto): varints and length-delimited messages, so the
// few lines of an encoder instead of a library.
#include <zlib.h>

#include <array>
#include <limits>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "analyzer/exports/exports.h"

namespace analyzer {
namespace {

using queries::no_site;
using queries::SiteId;
using queries::SiteTree;

class Message {
 public:
  void number(std::uint32_t field, std::uint64_t value) {
    if (value == 0) return;  // the default
    varint(std::uint64_t{field} << 3);
    varint(value);
  }
  void text(std::uint32_t field, std::string_view value) {
    varint((std::uint64_t{field} << 3) | 2);
    varint(value.size());
    bytes_ += value;
  }
  void message(std::uint32_t field, const Message& value) { text(field, value.bytes_); }
  void packed(std::uint32_t field, const std::vector<std::uint64_t>& values) {
    Message body;
    for (const std::uint64_t value : values) body.varint(value);
    message(field, body);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7F) | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// Field numbers of profile.proto.
enum ProfileField : std::uint32_t {
  sample_type = 1,
  sample = 2,
  mapping = 3,
  location = 4,
  function = 5,
  string_table = 6,
  time_nanos = 9,
  duration_nanos = 10,
  period_type = 11,
  period = 12,
  default_sample_type = 14
};

/// Figures in the order of their values. Go's tools know the first four by the names they have here; the others are for
/// people, and for heapql, which reads them back.
struct SampleType {
  std::string_view figure, name, unit;
};
constexpr std::array<SampleType, 8> sample_types{{{"allocation_count", "alloc_objects", "count"},
                                                  {"allocated_bytes", "alloc_space", "bytes"},
                                                  {"live_count", "inuse_objects", "count"},
                                                  {"live_bytes", "inuse_space", "bytes"},
                                                  {"peak_count", "peak_objects", "count"},
                                                  {"peak_bytes", "peak_space", "bytes"},
                                                  {"leaked_count", "leaked_objects", "count"},
                                                  {"leaked_bytes", "leaked_space", "bytes"}}};

class Encoder {
 public:
  explicit Encoder(const ProfileFigures& figures)
      : figures_(figures), sites_(figures.profile.sites), location_of_site_(sites_.size(), 0) {
    string({});
    name_program();
  }

  std::string encode(const ExportValue& value) {
    choose_values();
    for (const SiteSums& path : figures_.paths) add_sample(path);
    for (const Message& each : mappings_) profile_.message(mapping, each);
    for (const Message& each : locations_) profile_.message(location, each);
    for (const Message& each : functions_) profile_.message(function, each);
    const std::uint64_t preferred = string(name_of(value.figure));
    if (figures_.is_sampled()) profile_.message(period_type, type("space", "bytes"));
    for (const std::string_view each : strings_) profile_.text(string_table, each);
    describe_times();
    if (figures_.is_sampled()) {
      profile_.number(period, static_cast<std::uint64_t>(figures_.profile.sampling.mean_interval_bytes));
    }
    profile_.number(default_sample_type, preferred);
    return profile_.bytes();
  }

 private:
  using Value = std::int64_t (*)(const SiteSums&);

  /// Where no leaks were looked for, what leaked is what is live: no values of their own.
  [[nodiscard]] bool has_leaks() const { return !figures_.profile.records.back().leaks.empty(); }

  [[nodiscard]] std::string_view name_of(std::string_view figure) const {
    if (!has_leaks() && figure == "leaked_bytes") figure = "live_bytes";
    for (const SampleType& each : sample_types) {
      if (each.figure == figure) return each.name;
    }
    return figure;
  }

  void choose_values() {
    const auto choose = [&](Value value, std::string_view name, std::string_view unit) {
      values_.push_back(value);
      profile_.message(sample_type, type(name, unit));
    };
    for (const SampleType& each : sample_types) {
      const Figure& figure = *find_figure(each.figure);
      const bool is_leaked = each.figure.starts_with("leaked");  // 0, not unknown, where leaks were looked for
      if (is_leaked ? has_leaks() : figure.value(figures_.total) != queries::not_known) {
        choose(figure.value, each.name, each.unit);
      }
    }
    if (!figures_.is_sampled()) return;
    // How many samples the figures are estimated from: their error.
    const queries::SiteStatRow& total = figures_.total.stat;
    if (total.allocation_samples != queries::not_known) {
      choose([](const SiteSums& sums) { return sums.stat.allocation_samples; }, "allocation_samples", "count");
    }
    if (total.live_samples != queries::not_known) {
      choose([](const SiteSums& sums) { return sums.stat.live_samples; }, "live_samples", "count");
    }
  }

  void describe_times() {
    constexpr std::int64_t most_ms = std::numeric_limits<std::int64_t>::max() / 1'000'000;
    const std::int64_t taken_at_ms = figures_.profile.records.back().taken_at_ms;
    if (taken_at_ms > 0 && taken_at_ms < most_ms) {
      profile_.number(time_nanos, static_cast<std::uint64_t>(taken_at_ms) * 1'000'000);
    }
    const double seconds = figures_.profile.seconds;
    if (seconds > 0 && seconds < 9e9) profile_.number(duration_nanos, static_cast<std::uint64_t>(seconds * 1e9));
  }

  Message type(std::string_view name, std::string_view unit) {
    Message message;
    message.number(1, string(name));
    message.number(2, string(unit));
    return message;
  }

  /// The first mapping is the program's, by profile.proto: the module of main.
  void name_program() {
    for (const std::string_view entry : {"main", "_start"}) {
      for (std::uint32_t i = 0; i < sites_.size(); ++i) {
        const queries::SiteRow& row = sites_.frame_row(sites_.frame_of(SiteId{i}));
        if (row.module != 0 && sites_.text(row.function) == entry) {
          mapping_of(row.module);
          return;
        }
      }
    }
  }

  void add_sample(const SiteSums& path) {
    std::vector<std::uint64_t> path_locations, values;
    bool any = false;
    for (const Value value_of : values_) {
      const std::int64_t value = value_of(path);
      values.push_back(value == queries::not_known ? 0 : static_cast<std::uint64_t>(value));
      any = any || values.back() != 0;
    }
    if (!any) return;
    for (SiteId at = path.stat.site; at != no_site; at = caller_of_location(at)) {
      path_locations.push_back(location_of(at));
    }
    if (path_locations.empty()) path_locations.push_back(unknown_location());
    Message message;
    message.packed(1, path_locations);
    message.packed(2, values);
    profile_.message(sample, message);
  }

  /// The function that everything at `innermost` was inlined into; itself when nothing was.
  [[nodiscard]] SiteId outermost_of_location(SiteId innermost) const {
    SiteId at = innermost;
    while (sites_.frame_row(sites_.frame_of(at)).is_inlined && sites_.caller(at) != no_site) at = sites_.caller(at);
    return at;
  }
  [[nodiscard]] SiteId caller_of_location(SiteId innermost) const {
    return sites_.caller(outermost_of_location(innermost));
  }

  /// A location is a function with what is inlined into it there, innermost first; the same wherever it is called from.
  std::uint64_t location_of(SiteId innermost) {
    std::uint64_t& known = location_of_site_[index(innermost)];
    if (known != 0) return known;
    const SiteId outermost = outermost_of_location(innermost);
    std::vector<std::uint32_t> frames;
    for (SiteId at = innermost; at != sites_.caller(outermost); at = sites_.caller(at)) {
      frames.push_back(sites_.frame_of(at));
    }
    const auto [found, is_new] = location_ids_.try_emplace(frames, locations_.size() + 1);
    known = found->second;
    if (!is_new) return known;
    Message message;
    message.number(1, known);
    message.number(2, mapping_of(sites_.frame_row(frames.back()).module));
    for (const std::uint32_t frame : frames) message.message(4, line_of(sites_.frame_row(frame)));
    locations_.push_back(std::move(message));
    return known;
  }

  /// Of figures whose call path is not in the record.
  std::uint64_t unknown_location() {
    const auto [found, is_new] = location_ids_.try_emplace(std::vector<std::uint32_t>{}, locations_.size() + 1);
    if (!is_new) return found->second;
    Message function, line, message;
    function.number(1, functions_.size() + 1);
    function.number(2, string("(unknown)"));
    functions_.push_back(std::move(function));
    line.number(1, functions_.size());
    message.number(1, found->second);
    message.message(4, line);
    locations_.push_back(std::move(message));
    return found->second;
  }

  Message line_of(const queries::SiteRow& row) {
    Message line;
    line.number(1, function_of(row));
    line.number(2, row.line > 0 ? static_cast<std::uint64_t>(row.line) : 0);
    return line;
  }

  /// Without system_name: names are demangled here, and what pprof takes for a mangled one it shortens, until
  /// Python's "<module>" is nothing and overloads are one.
  std::uint64_t function_of(const queries::SiteRow& row) {
    const auto [found, is_new] = function_ids_.try_emplace({row.function, row.file}, functions_.size() + 1);
    if (!is_new) return found->second;
    const std::string_view name = sites_.text(row.function);
    Message message;
    message.number(1, found->second);
    message.number(2, string(name.empty() ? "?" : name));
    message.number(4, string(sites_.text(row.file)));
    functions_.push_back(std::move(message));
    return found->second;
  }

  std::uint64_t mapping_of(std::uint32_t module) {
    if (sites_.text(module).empty()) return 0;
    const auto [found, is_new] = mapping_ids_.try_emplace(module, mappings_.size() + 1);
    if (!is_new) return found->second;
    Message message;
    message.number(1, found->second);
    message.number(5, string(sites_.text(module)));
    for (const std::uint32_t has : {7u, 8u, 9u}) message.number(has, 1);  // functions, files and lines are in here
    mappings_.push_back(std::move(message));
    return found->second;
  }

  std::uint64_t string(std::string_view text) {
    const auto [found, is_new] = string_ids_.try_emplace(std::string(text), strings_.size());
    if (is_new) strings_.push_back(found->first);
    return found->second;
  }

  const ProfileFigures& figures_;
  const SiteTree& sites_;
  Message profile_;
  std::vector<Message> mappings_, locations_, functions_;
  std::vector<Value> values_;                                         // of each sample
  std::vector<std::uint64_t> location_of_site_;                       // by its innermost frame; 0 = not asked yet
  std::map<std::vector<std::uint32_t>, std::uint64_t> location_ids_;  // by frames, innermost first
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> function_ids_;
  std::map<std::uint32_t, std::uint64_t> mapping_ids_;
  std::unordered_map<std::string, std::uint64_t> string_ids_;
  std::vector<std::string_view> strings_;  // of the keys above, which stay where they are
};

/// Without a time in its header: equal profiles are equal files.
std::string gzipped(const std::string& bytes) {
  constexpr int gzip_window = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("gzip: out of memory");
  }
  std::string out;
  std::array<char, 1 << 16> buffer{};
  std::size_t at = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream.avail_in == 0 && at < bytes.size()) {
      const std::size_t part = std::min<std::size_t>(bytes.size() - at, std::size_t{1} << 30);
      // zlib reads only: its interface is older than const.
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));
      stream.avail_in = static_cast<uInt>(part);
      at += part;
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = deflate(&stream, at == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string export_pprof(const ProfileFigures& figures, const ExportValue& value) {
  return gzipped(Encoder(figures).encode(value));
}

}  // namespace analyzer
