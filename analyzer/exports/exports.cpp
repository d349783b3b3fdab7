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
  const SiteTree& sites = figures.profile.sites;
  std::string frames;
  for (std::uint32_t i = 0; i < sites.size(); ++i) {
    const queries::SiteFrame frame = sites.frame(SiteId{i});
    frames += (i == 0 ? "\n" : ",\n") + std::string("{\"name\": ") + json_string(name_of(sites, SiteId{i}));
    if (!frame.file.empty()) frames += ", \"file\": " + json_string(std::string(frame.file));
    if (frame.line > 0) frames += ", \"line\": " + std::to_string(frame.line);
    frames += '}';
  }
  std::string samples, weights;
  std::int64_t sum = 0;
  bool has_unknown = false;
  for (const SiteSums& path : figures.paths) {
    const std::int64_t weight = figure.value(path);
    if (weight <= 0) continue;
    samples += samples.empty() ? "[" : ", [";
    bool first = true;
    for (const SiteId site : frames_of(sites, path.stat.site)) {
      samples += (first ? "" : ", ") + std::to_string(index(site));
      first = false;
    }
    if (first) {
      samples += std::to_string(sites.size());
      has_unknown = true;
    }
    samples += ']';
    weights += (weights.empty() ? "" : ", ") + std::to_string(weight);
    sum += weight;
  }
  if (has_unknown) frames += std::string(sites.size() == 0 ? "" : ",") + "\n{\"name\": \"(unknown)\"}";
  const std::string unit = figure.is_bytes ? "bytes" : "none";
  return "{\"$schema\": \"https://www.speedscope.app/file-format-schema.json\",\n\"exporter\": \"heapql\",\n"
         "\"activeProfileIndex\": 0,\n\"shared\": {\"frames\": [" +
         frames + "]},\n\"profiles\": [{\"type\": \"sampled\", \"name\": " + json_string(std::string(figure.label)) +
         ", \"unit\": \"" + unit + "\", \"startValue\": 0, \"endValue\": " + std::to_string(sum) + ",\n\"samples\": [" +
         samples + "],\n\"weights\": [" + weights + "]}]}\n";
}

}  // namespace analyzer
