// Memory of a process over time → series: /proc texts, monitors' tables, malloc_info, jemalloc's and tcmalloc's
// statistics. No sites: what grows, not who.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

void import_proc_memory(ImportJob& job);
void import_series_table(ImportJob& job);
void import_malloc_info(ImportJob& job);
void import_jemalloc_stats(ImportJob& job);
void import_tcmalloc_stats(ImportJob& job);

[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_proc_memory(formats::Bytes head);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_series_table(formats::Bytes head);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_malloc_info(formats::Bytes head);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_jemalloc_stats(formats::Bytes head);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_tcmalloc_stats(formats::Bytes head);

}  // namespace importers
