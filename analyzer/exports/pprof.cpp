// pprof's profile.proto (github.com/google/pprof, proto/profile.proto): varints and length-delimited messages, so the
// few lines of an encoder instead of a library.
#include <zlib.h>

#include <array>
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
  period_type = 11,
  period = 12,
  default_sample_type = 14
};

class Encoder {
 public:
  explicit Encoder(const ProfileFigures& figures) : figures_(figures), sites_(figures.profile.sites) { string({}); }

  std::string encode(const ExportValue& value) {
    std::vector<const Figure*> known;
    for (const char* name : {"allocation_count", "allocated_bytes", "live_count", "live_bytes", "peak_count",
                             "peak_bytes", "leaked_count", "leaked_bytes"}) {
      const Figure* figure = find_figure(name);
      if (figure->value(figures_.total) == queries::not_known) continue;
      known.push_back(figure);
      profile_.message(sample_type, type(pprof_name(name), figure->is_bytes ? "bytes" : "count"));
    }
    for (const SiteSums& path : figures_.paths) add_sample(path, known);
    for (const Message& each : mappings_) profile_.message(mapping, each);
    for (const Message& each : locations_) profile_.message(location, each);
    for (const Message& each : functions_) profile_.message(function, each);
    const std::uint64_t preferred = string(pprof_name(value.figure));
    if (figures_.is_sampled()) {
      profile_.message(period_type, type("space", "bytes"));
      profile_.number(period, static_cast<std::uint64_t>(figures_.profile.sampling.mean_interval_bytes));
    }
    for (const std::string_view each : strings_) profile_.text(string_table, each);
    profile_.number(default_sample_type, preferred);
    return profile_.bytes();
  }

 private:
  /// Go's words, which its tools know.
  static std::string_view pprof_name(std::string_view figure) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> names{
        {{"allocation_count", "alloc_objects"},
         {"allocated_bytes", "alloc_space"},
         {"live_count", "inuse_objects"},
         {"live_bytes", "inuse_space"}}};
    for (const auto& [ours, theirs] : names) {
      if (ours == figure) return theirs;
    }
    return figure;
  }

  Message type(std::string_view name, std::string_view unit) {
    Message message;
    message.number(1, string(name));
    message.number(2, string(unit));
    return message;
  }

  void add_sample(const SiteSums& path, const std::vector<const Figure*>& known) {
    std::vector<std::uint64_t> path_locations, values;
    for (SiteId at = path.stat.site; at != no_site; at = sites_[at].parent) path_locations.push_back(location_of(at));
    bool any = false;
    for (const Figure* figure : known) {
      const std::int64_t value = figure->value(path);
      values.push_back(value == queries::not_known ? 0 : static_cast<std::uint64_t>(value));
      any = any || values.back() != 0;
    }
    if (!any) return;
    Message message;
    message.packed(1, path_locations);
    message.packed(2, values);
    profile_.message(sample, message);
  }

  /// One location for each frame; a frame is the same wherever it is called from.
  std::uint64_t location_of(SiteId site) {
    const queries::SiteRow& row = sites_[site];
    const std::array<std::uint64_t, 4> key{row.function, row.file, row.module, static_cast<std::uint64_t>(row.line)};
    const auto [found, is_new] = location_ids_.try_emplace(key, locations_.size() + 1);
    if (!is_new) return found->second;
    Message line;
    line.number(1, function_of(row));
    line.number(2, row.line > 0 ? static_cast<std::uint64_t>(row.line) : 0);
    Message message;
    message.number(1, found->second);
    message.number(2, mapping_of(row.module));
    message.message(4, line);
    locations_.push_back(std::move(message));
    return found->second;
  }

  std::uint64_t function_of(const queries::SiteRow& row) {
    const auto [found, is_new] = function_ids_.try_emplace({row.function, row.file}, functions_.size() + 1);
    if (!is_new) return found->second;
    Message message;
    message.number(1, found->second);
    const std::uint64_t name = string(sites_.text(row.function));
    message.number(2, name);
    message.number(3, name);
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
  std::map<std::array<std::uint64_t, 4>, std::uint64_t> location_ids_;
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
