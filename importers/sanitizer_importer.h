// LeakSanitizer's and AddressSanitizer's reports → an allocation profile: leaks of sites, direct and indirect. What is
// still reachable the report does not say, so nothing is known of what is live.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

/// Throws InputError when there is no report in it. O(input). Other errors than leaks are counted in meta
/// (`sanitizer.error.heap-use-after-free`); sizes of objects (report_objects=1) become rows of site_size.
void import_sanitizer(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_sanitizer(formats::Bytes head);

}  // namespace importers
