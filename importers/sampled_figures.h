// Sampling heap profilers take an allocation of s bytes with probability 1 - exp(-s / interval), the mean distance of
// their samples in bytes: figures of the samples are scaled up by its inverse, with s = bytes / count of a line.
// jemalloc's prof_unbias makes its figures fit exactly this. Used by jemalloc, tcmalloc and Go.
#pragma once

#include <cmath>
#include <cstdint>

#include "importers/profile_import.h"
#include "queries/allocation_profile.h"

namespace importers {

/// What one sampled allocation stands for; 1 where nothing was sampled away.
[[nodiscard]] inline double sample_weight(std::int64_t count, std::int64_t bytes, double interval) {
  if (interval <= 1 || count == 0 || bytes == 0) return 1;
  const double mean_size = static_cast<double>(bytes) / static_cast<double>(count);
  const double taken = -std::expm1(-mean_size / interval);
  return taken > 0 ? 1 / taken : 1;  // mean sizes below 0 come from damage
}

/// How many samples an estimated figure comes from; not known where count or size are not.
[[nodiscard]] inline std::int64_t samples_behind(std::int64_t count, std::int64_t bytes, double interval) {
  if (count == queries::not_known || bytes == queries::not_known) return queries::not_known;
  const double samples = static_cast<double>(count) / sample_weight(count, bytes, interval);
  return std::abs(rounded_figure(samples));
}

}  // namespace importers
