#include "analyzer/import_series.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "analyzer/input_files.h"
#include "formats/input.h"
#include "importers/registry.h"
#include "queries/allocation_profile.h"

namespace analyzer {
namespace {

using queries::AllocationProfile;
using queries::Snapshot;

constexpr std::size_t head_size = 4096;

/// The importer of a file by its head, nullptr = not a format heapql knows. Throws as Input::read_head().
const importers::Importer* importer_of(const std::string& file) {
  const std::string head = formats::Input::read_head(file, head_size);
  return importers::find_importer(std::as_bytes(std::span(head.data(), head.size())));
}

const importers::Importer& common_importer(const std::vector<std::string>& files) {
  const importers::Importer* common = nullptr;
  std::string first;
  for (const std::string& file : files) {
    const importers::Importer* importer = importer_of(file);
    if (importer == nullptr) {
      throw formats::InputError(file + ": not a format heapql knows (`heapql formats` lists them); of " +
                                std::to_string(files.size()) + " inputs that were to be one series");
    }
    if (common != nullptr && importer != common) {
      throw formats::InputError(file + " is of kind " + std::string(importer->name) + ", " + first + " of kind " +
                                std::string(common->name) +
                                ": inputs of one kind make a series; name them by a pattern ('folder/*.heap')");
    }
    common = importer;
    if (first.empty()) first = file;
  }
  return *common;
}

void import_one(const importers::Importer& importer, const std::string& file, const importers::ImportOptions& options,
                const importers::Progress& progress, Snapshot& snapshot) {
  formats::DamageLog damage;
  const formats::Input input = formats::Input::open(file, damage, {});
  importers::ImportJob job{input, options, snapshot, nullptr, nullptr, progress};
  importer.run(job);
  if (snapshot.profile == nullptr) {
    throw formats::InputError(file + ": inputs of kind " + std::string(importer.name) +
                              " make no series; `heapql trend` and `heapql diff` compare them");
  }
  for (const formats::Damage& entry : damage.entries())
    snapshot.damage.push_back({entry.offset, entry.bytes, entry.what});
  snapshot.damage_count += damage.count();
  snapshot.damaged_bytes += damage.bytes();
  for (queries::DamageRow& row : snapshot.damage) row.what = file + ": " + row.what;
}

/// The start of a part: its own, its only record's, or the given one.
double start_of(const Snapshot& part, std::optional<double> otherwise) {
  const AllocationProfile& profile = *part.profile;
  if (profile.start >= 0) return profile.start;
  if (!profile.records.empty() && profile.records.front().taken_at_ms >= 0) {
    return static_cast<double>(profile.records.front().taken_at_ms) / 1000;
  }
  if (part.taken_at_ms >= 0) return static_cast<double>(part.taken_at_ms) / 1000;
  return otherwise.value_or(-1);
}

/// What the parts warn of, each once: with the first that says it, and how many more do.
class SeriesWarnings {
 public:
  void add(const std::string& file, const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) {
      const auto [found, is_new] = places_.try_emplace(without_numbers(warning), said_.size());
      if (is_new) said_.push_back({file + ": " + warning, 0});
      if (!is_new) ++said_[found->second].more;
    }
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const Said& each : said_) {
      texts.push_back(each.text + (each.more == 0 ? ""
                                   : each.more == 1
                                       ? " (and the same of another input)"
                                       : " (and the same of " + std::to_string(each.more) + " more inputs)"));
    }
    return texts;
  }

 private:
  struct Said {
    std::string text;
    std::size_t more = 0;
  };
  std::vector<Said> said_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace

std::string without_numbers(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit) out += c;
    if (is_digit && !out.ends_with('#')) out += '#';
  }
  return out;
}

void import_series(const std::vector<std::string>& files, const importers::ImportOptions& options,
                   const importers::Progress& progress, Snapshot& snapshot) {
  const importers::Importer& importer = common_importer(files);
  const std::vector<double> file_times = modification_times(files);
  bool used_file_times = false;
  SeriesWarnings warnings;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (progress) progress("files", i, files.size());
    Snapshot part;
    import_one(importer, files[i], options, {}, part);
    warnings.add(files[i], part.warnings);
    part.warnings.clear();
    AllocationProfile& profile = *part.profile;
    const double own = start_of(part, std::nullopt);
    if (own < 0 && !file_times.empty() && profile.records.size() <= 1) {
      profile.start = file_times[i];
      profile.times_are_positions = false;
      used_file_times = true;
    } else {
      profile.start = own;
    }
    for (queries::ProfileRecord& record : profile.records) {
      if (record.path.empty()) record.path = files[i];
    }
    if (i == 0) {
      snapshot = std::move(part);
      continue;
    }
    snapshot.profile->append(std::move(profile));
    snapshot.damage.insert(snapshot.damage.end(), part.damage.begin(), part.damage.end());
    snapshot.damage_count += part.damage_count;
    snapshot.damaged_bytes += part.damaged_bytes;
    snapshot.taken_at_ms = std::max(snapshot.taken_at_ms, part.taken_at_ms);
  }
  snapshot.warnings = warnings.texts();
  snapshot.meta.emplace_back("series.files", std::to_string(files.size()));
  if (used_file_times) {
    snapshot.warnings.emplace_back("no times in these inputs: those of the files' last modification are used");
  } else if (snapshot.profile->times_are_positions) {
    snapshot.warnings.emplace_back("no times in these inputs: growth has an order, but no rate");
  }
}

bool is_series(const std::vector<std::string>& inputs) {
  if (inputs.size() < 2) return false;
  const importers::Importer* common = nullptr;
  for (const std::string& input : inputs) {
    if (input == "-") return false;
    try {
      const importers::Importer* importer = importer_of(input);
      if (importer == nullptr || !importer->makes_series || (common != nullptr && importer != common)) return false;
      common = importer;
    } catch (const formats::InputError&) {
      return false;  // whoever opens it says why
    }
  }
  return true;
}

}  // namespace analyzer
