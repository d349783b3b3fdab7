#include "analyzer/exports/exports.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "analyzer/json_text.h"
#include "analyzer/passes/site_names.h"

namespace analyzer {
namespace {

using queries::no_site;
using queries::SiteId;
using queries::SiteTree;

constexpr std::array value_table{
    ExportValue{"leaked", "leaked_bytes", "leaked_count"}, ExportValue{"live", "live_bytes", "live_count"},
    ExportValue{"peak", "peak_bytes", "peak_count"}, ExportValue{"allocated", "allocated_bytes", "allocation_count"},
    ExportValue{"count", "allocation_count", "allocation_count"}};

constexpr std::array format_table{
    ExportFormat{"pprof", "for pprof and what reads its profiles, gzip-compressed", export_pprof, true},
    ExportFormat{"speedscope", "JSON for speedscope", export_speedscope, false},
    ExportFormat{"folded", "one line a call path, for flamegraph.pl", export_folded, false}};

std::string name_of(const SiteTree& sites, SiteId site) {
  const queries::SiteFrame frame = sites.frame(site);
  if (!frame.function.empty()) return std::string(frame.function);
  const std::string place = place_of(frame);
  return place.empty() ? "?" : place;
}

/// Callers first.
std::vector<SiteId> frames_of(const SiteTree& sites, SiteId leaf) {
  std::vector<SiteId> frames;
  for (SiteId at = leaf; at != no_site; at = sites[at].parent) frames.push_back(at);
  std::reverse(frames.begin(), frames.end());
  return frames;
}

/// A function at a line is one frame, whoever calls it: speedscope adds up by frame.
class SpeedscopeFrames {
 public:
  explicit SpeedscopeFrames(const SiteTree& sites) : sites_(sites), numbers_(sites.frame_count(), none) {}

  std::size_t number(SiteId site) {
    std::size_t& number = numbers_[sites_.frame_of(site)];
    if (number == none) {
      const queries::SiteFrame frame = sites_.frame(site);
      std::string object = "{\"name\": " + json_string(name_of(sites_, site));
      if (!frame.file.empty()) object += ", \"file\": " + json_string(std::string(frame.file));
      if (frame.line > 0) object += ", \"line\": " + std::to_string(frame.line);
      number = number_of(object + '}');
    }
    return number;
  }
  std::size_t unknown() { return number_of("{\"name\": \"(unknown)\"}"); }
  [[nodiscard]] const std::string& json() const { return json_; }

 private:
  static constexpr std::size_t none = ~std::size_t{0};
  std::size_t number_of(const std::string& object) {
    const auto [found, is_new] = objects_.try_emplace(object, objects_.size());
    if (is_new) json_ += (found->second == 0 ? "\n" : ",\n") + object;
    return found->second;
  }

  const SiteTree& sites_;
  std::vector<std::size_t> numbers_;            // by the tree's number of the frame
  std::map<std::string, std::size_t> objects_;  // frames that differ only in what is not written are one
  std::string json_;
};

}  // namespace

std::span<const ExportValue> export_values() { return value_table; }
std::span<const ExportFormat> export_formats() { return format_table; }

std::string export_folded(const ProfileFigures& figures, const ExportValue& value) {
  const Figure& figure = *find_figure(value.figure);
  std::map<std::string, std::int64_t> lines;
  for (const SiteSums& path : figures.paths) {
    if (figure.value(path) <= 0) continue;
    std::string line;
    for (const SiteId site : frames_of(figures.profile.sites, path.stat.site)) {
      std::string name = name_of(figures.profile.sites, site);
      for (char& c : name) {
        if (c == ';') c = ':';
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
      }
      line += (line.empty() ? "" : ";") + name;
    }
    lines[line.empty() ? "(unknown)" : line] += figure.value(path);
  }
  std::string out;
  for (const auto& [line, sum] : lines) out += line + ' ' + std::to_string(sum) + '\n';
  return out;
}

std::string export_speedscope(const ProfileFigures& figures, const ExportValue& value) {
  const Figure& figure = *find_figure(value.figure);
  SpeedscopeFrames frames(figures.profile.sites);
  std::string samples, weights;
  std::int64_t sum = 0;
  for (const SiteSums& path : figures.paths) {
    const std::int64_t weight = figure.value(path);
    if (weight <= 0) continue;
    samples += samples.empty() ? "[" : ", [";
    const std::vector<SiteId> sites = frames_of(figures.profile.sites, path.stat.site);
    for (const SiteId site : sites) {
      if (site != sites.front()) samples += ", ";
      samples += std::to_string(frames.number(site));
    }
    if (sites.empty()) samples += std::to_string(frames.unknown());
    samples += ']';
    weights += (weights.empty() ? "" : ", ") + std::to_string(weight);
    sum = queries::add_known(sum, weight);
  }
  const std::string unit = figure.is_bytes ? "bytes" : "none";
  return "{\"$schema\": \"https://www.speedscope.app/file-format-schema.json\",\n\"exporter\": \"heapql\",\n"
         "\"activeProfileIndex\": 0,\n\"shared\": {\"frames\": [" +
         frames.json() +
         "]},\n\"profiles\": [{\"type\": \"sampled\", \"name\": " + json_string(std::string(figure.label)) +
         ", \"unit\": \"" + unit + "\", \"startValue\": 0, \"endValue\": " + std::to_string(sum) + ",\n\"samples\": [" +
         samples + "],\n\"weights\": [" + weights + "]}]}\n";
}

}  // namespace analyzer
